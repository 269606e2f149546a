package io.agentserver.router;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.util.RawValue;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Reads a provider's answer to embeddings as it comes. A batch has millions of numbers, and each would be an object of its own:
 * so a vector is kept as its text, number for number as the provider wrote it, and without white space. Everything else is kept
 * as it is. Stateless.
 */
final class EmbeddingsAnswer {
    /** Of a vector as a provider writes it: 4,096 numbers of 20 characters. */
    private static final int BYTES_EACH = 80 * 1024;

    private EmbeddingsAnswer() {}

    /**
     * Closes the body.
     *
     * @param inputs how many vectors were asked for; so much is read at most
     * @throws UnusableAnswerException if it is no such answer
     */
    static ObjectNode read(InputStream body, int inputs) throws IOException {
        long most = BoundedLines.MOST_BYTES + (long) inputs * BYTES_EACH;
        try (JsonParser parser = Json.parser(new Bounded(body, most))) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new UnusableAnswerException("an answer that is no JSON object");
            }
            ObjectNode answer = Json.object();
            for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                if (parser.nextToken() == JsonToken.START_ARRAY && name.equals("data")) {
                    list(parser, answer.putArray(name));
                } else {
                    answer.set(name, parser.readValueAsTree());
                }
            }
            if (!Json.isAbsent(answer.path("error"))) {
                throw new UnusableAnswerException("an error in its answer");
            }
            return answer;
        } catch (JacksonIOException broken) {
            throw broken.getCause();
        } catch (JacksonException malformed) {
            throw new UnusableAnswerException("an answer that is not JSON");
        }
    }

    private static void list(JsonParser parser, ArrayNode into) throws UnusableAnswerException {
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw new UnusableAnswerException("an answer whose data are no objects");
            }
            ObjectNode element = into.addObject();
            for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                if (parser.nextToken() == JsonToken.START_ARRAY && name.equals("embedding")) {
                    element.putRawValue(name, new RawValue(vector(parser)));
                } else {
                    element.set(name, parser.readValueAsTree());
                }
            }
        }
    }

    /** Of numbers, or of several vectors: the parser is at the list's beginning, and then at its end. */
    private static String vector(JsonParser parser) throws UnusableAnswerException {
        StringBuilder text = new StringBuilder(16 * 1024).append('[');
        int open = 1;
        boolean first = true;
        while (open > 0) {
            JsonToken token = parser.nextToken();
            if (!first && token != JsonToken.END_ARRAY) {
                text.append(',');
            }
            first = token == JsonToken.START_ARRAY;
            switch (token) {
                case START_ARRAY -> {
                    text.append('[');
                    open++;
                }
                case END_ARRAY -> {
                    text.append(']');
                    open--;
                }
                case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT ->
                    text.append(parser.getStringCharacters(), parser.getStringOffset(), parser.getStringLength());
                case null, default -> throw new UnusableAnswerException("an embedding that is not of numbers");
            }
        }
        return text.toString();
    }

    /** Of a provider that we do not trust. */
    private static final class Bounded extends FilterInputStream {
        private final long most;
        private long read;

        Bounded(InputStream in, long most) {
            super(in);
            this.most = most;
        }

        @Override
        public int read() throws IOException {
            return counted(super.read(), 1);
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            int more = super.read(into, offset, length);
            return counted(more, more);
        }

        private int counted(int result, int more) throws UnusableAnswerException {
            read += result < 0 ? 0 : more;
            if (read > most) {
                throw new UnusableAnswerException("an answer of more than " + most + " bytes");
            }
            return result;
        }
    }
}
