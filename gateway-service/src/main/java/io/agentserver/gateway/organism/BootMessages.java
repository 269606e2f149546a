package io.agentserver.gateway.organism;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.log.Appended;
import io.agentserver.gateway.log.KafkaMessageLog;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;

/**
 * Tells the listeners with {@code boot: true} that a version is active: one {@code <boot>} each, from {@code system}, in a
 * conversation of its own. Its id follows from tenant, version and listener, so that sending it again makes a repeat.
 */
public final class BootMessages {
    private final KafkaMessageLog log;
    private final EnvelopeToken token;
    private final SigningKey key;

    public BootMessages(KafkaMessageLog log, EnvelopeToken token, SigningKey key) {
        this.log = log;
        this.token = token;
        this.key = key;
    }

    /** False if the log did not acknowledge all of them. */
    boolean send(TenantId tenant, long version, Organism organism) {
        boolean all = true;
        for (Listener listener : organism.listeners()) {
            if (listener.boot()) {
                all &= log.append(tenant, boot(tenant, version, organism, listener)) instanceof Appended.Acknowledged;
            }
        }
        return all;
    }

    private Envelope boot(TenantId tenant, long version, Organism organism, Listener listener) {
        MessageId id = new MessageId(Ids.inTenant(tenant, "boot:" + version + ":" + listener.name()));
        Meta meta =
                new Meta("system", listener.name(), ThreadId.ofFirstMessage(tenant, id), id, null, null, null, null);
        String payload = "<boot xmlns=\"" + EnvelopeNames.CORE + "\"><organism>" + escaped(organism.name())
                + "</organism><version>" + version + "</version></boot>";
        return switch (EnvelopeDocument.make(meta, payload)) {
            case Reading.Read(EnvelopeDocument document) -> token.signForClient(document, tenant, key);
            case Reading.Malformed m -> throw new IllegalStateException("boot message: " + m);
            case Reading.Invalid i -> throw new IllegalStateException("boot message: " + i);
            case Reading.TooLarge l -> throw new IllegalStateException("boot message: " + l);
        };
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
