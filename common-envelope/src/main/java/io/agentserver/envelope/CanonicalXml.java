package io.agentserver.envelope;

import org.apache.xml.security.c14n.CanonicalizationException;
import org.apache.xml.security.c14n.implementations.Canonicalizer20010315ExclOmitComments;
import org.apache.xml.security.utils.UnsyncByteArrayOutputStream;
import org.w3c.dom.Node;

import java.nio.charset.StandardCharsets;

/**
 * Exclusive XML Canonicalization 1.0, without comments (https://www.w3.org/TR/xml-exc-c14n/), by Apache Santuario.
 * Safe on any thread.
 */
final class CanonicalXml {
    static {
        org.apache.xml.security.Init.init();
    }

    private CanonicalXml() {}

    /** The canonical form of a document or of the subtree under an element. */
    static String of(Node node) {
        try {
            // the canonicaliser writes byte by byte; the JDK's stream locks for each
            UnsyncByteArrayOutputStream out = new UnsyncByteArrayOutputStream();
            new Canonicalizer20010315ExclOmitComments().engineCanonicalizeSubTree(node, out);
            return new String(out.toByteArray(), StandardCharsets.UTF_8);
        } catch (CanonicalizationException e) {
            throw new IllegalStateException("a document that StrictXml has read has a canonical form", e);
        }
    }
}
