package io.agentserver.organism;

import org.w3c.dom.ls.LSResourceResolver;
import org.xml.sax.ErrorHandler;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;

import java.io.StringReader;
import javax.xml.XMLConstants;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.Schema;
import javax.xml.validation.SchemaFactory;

/** Compiles XSD text with the JDK's schema factory, whatever else is on the class path, with every door shut. */
final class XsdCompiler {

    /** Returning null would mean: go and fetch it. */
    static final LSResourceResolver FETCHES_NOTHING = (type, namespace, publicId, systemId, base) -> {
        throw new IllegalStateException("a schema asked for a resource; nothing is ever fetched");
    };

    private XsdCompiler() {}

    static Schema compile(String xsd, ErrorHandler errors) throws SAXException {
        SchemaFactory factory = SchemaFactory.newDefaultInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        factory.setProperty(XMLConstants.ACCESS_EXTERNAL_DTD, "");
        factory.setProperty(XMLConstants.ACCESS_EXTERNAL_SCHEMA, "");
        factory.setResourceResolver(FETCHES_NOTHING);
        factory.setErrorHandler(errors);
        return factory.newSchema(new StreamSource(new StringReader(xsd)));
    }

    /** Compiles a text that this package has made itself, where an error is a fault of ours. */
    static Schema compileOwn(String xsd) {
        try {
            return compile(xsd, new Throwing());
        } catch (SAXException e) {
            throw new IllegalStateException("the schema made from declared fields does not compile", e);
        }
    }

    private static final class Throwing implements ErrorHandler {
        @Override
        public void warning(SAXParseException exception) {
            // a warning does not make a schema unusable
        }

        @Override
        public void error(SAXParseException exception) throws SAXException {
            throw exception;
        }

        @Override
        public void fatalError(SAXParseException exception) throws SAXException {
            throw exception;
        }
    }
}
