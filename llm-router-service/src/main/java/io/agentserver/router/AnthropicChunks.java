package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.InputStream;

/** Anthropic's stream of events as chunks; it is complete at {@code message_stop} alone. One thread at a time. */
final class AnthropicChunks implements Backend.Chunks {
    private final ServerSentEvents events;
    private final FromAnthropic translation;

    AnthropicChunks(InputStream in, FromAnthropic translation) {
        this.events = new ServerSentEvents(in);
        this.translation = translation;
    }

    @Override
    public @Nullable ObjectNode next() throws IOException {
        for (String data = events.next(); data != null; data = events.next()) {
            ObjectNode event = ProviderHttp.object(data);
            if (event.path("type").asString("").equals("message_stop")) {
                return null;
            }
            ObjectNode chunk = translation.event(event);
            if (chunk != null) {
                return chunk;
            }
        }
        throw new UnusableAnswerException("a stream without its end mark");
    }

    @Override
    public void close() {
        events.close();
    }
}
