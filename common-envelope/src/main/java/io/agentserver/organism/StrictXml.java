package io.agentserver.organism;

import com.ctc.wstx.api.WstxInputProperties;
import com.ctc.wstx.stax.WstxInputFactory;

import java.io.StringReader;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import javax.xml.stream.util.StreamReaderDelegate;

/**
 * The reader of payload text. Whatever could fetch, expand or hide something (a DTD, an entity but the five built in, a
 * processing instruction) ends the reading with an exception; depth, elements and attributes are bounded.
 */
final class StrictXml extends StreamReaderDelegate {

    static final int DEPTH = 64;

    /** Configured once and never changed: Woodstox factories are safe on any thread then. */
    private static final XMLInputFactory FACTORY = factory();

    private StrictXml(XMLStreamReader reader) {
        super(reader);
    }

    static XMLStreamReader reader(String xml) throws XMLStreamException {
        return new StrictXml(FACTORY.createXMLStreamReader(new StringReader(xml)));
    }

    private static XMLInputFactory factory() {
        XMLInputFactory factory = new WstxInputFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        factory.setProperty(XMLInputFactory.IS_COALESCING, true);
        factory.setXMLResolver((publicId, systemId, base, namespace) -> {
            throw new XMLStreamException("nothing is ever fetched");
        });
        factory.setProperty(WstxInputProperties.P_MAX_ELEMENT_DEPTH, DEPTH);
        factory.setProperty(WstxInputProperties.P_MAX_ELEMENT_COUNT, 4096L);
        factory.setProperty(WstxInputProperties.P_MAX_ATTRIBUTES_PER_ELEMENT, 64);
        return factory;
    }

    @Override
    public int next() throws XMLStreamException {
        int event = super.next();
        // StAX skips a DTD instead of refusing it
        if (event == XMLStreamConstants.DTD
                || event == XMLStreamConstants.ENTITY_REFERENCE
                || event == XMLStreamConstants.PROCESSING_INSTRUCTION) {
            throw new XMLStreamException("a DTD, an entity or a processing instruction");
        }
        return event;
    }
}
