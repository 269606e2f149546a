package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.SplittableRandom;

/** Vectors of length 1 that are the same for the same text, and say nothing of what it means. Pure. */
final class SimulatedEmbeddings {
    private static final int DIMENSIONS = 64;
    private static final int MOST = 4096;
    /** In all vectors of an answer: some 40 MB while it is made. */
    private static final int MOST_NUMBERS = 1_000_000;

    private SimulatedEmbeddings() {}

    /** Whether an answer would be more than a simulation is for. */
    static boolean isTooMuch(ObjectNode body) {
        return (long) EmbeddingsRequest.inputs(body) * dimensions(body) > MOST_NUMBERS;
    }

    /** @param tokens of the input */
    static ObjectNode answer(Backend.Request request, String model, long seed, long tokens) {
        ObjectNode body = request.chat().body();
        JsonNode input = body.path("input");
        ObjectNode answer = Json.object().put("object", "list");
        ArrayNode data = answer.putArray("data");
        int inputs = EmbeddingsRequest.inputs(body);
        for (int i = 0; i < inputs; i++) {
            String text =
                    Json.text(inputs == 1 && !(input.isArray() && !input.path(0).isNumber()) ? input : input.path(i));
            float[] vector = vector(text, seed, dimensions(body));
            ObjectNode embedding = data.addObject().put("object", "embedding").put("index", i);
            if (body.path("encoding_format").asString("").equals("base64")) {
                embedding.put("embedding", base64(vector));
            } else {
                ArrayNode numbers = embedding.putArray("embedding");
                for (float number : vector) {
                    numbers.add(number);
                }
            }
        }
        answer.put("model", model);
        answer.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
        return answer;
    }

    private static int dimensions(ObjectNode body) {
        int asked = body.path("dimensions").asInt(DIMENSIONS);
        return Math.max(1, Math.min(asked, MOST));
    }

    private static float[] vector(String text, long seed, int dimensions) {
        SplittableRandom random = new SplittableRandom(seed * 31 + text.hashCode());
        float[] vector = new float[dimensions];
        double squares = 0;
        for (int i = 0; i < dimensions; i++) {
            vector[i] = (float) (random.nextDouble() * 2 - 1);
            squares += (double) vector[i] * vector[i];
        }
        for (int i = 0; i < dimensions; i++) {
            vector[i] /= (float) Math.max(Math.sqrt(squares), Float.MIN_NORMAL);
        }
        return vector;
    }

    private static String base64(float[] vector) {
        ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float number : vector) {
            bytes.putFloat(number);
        }
        return Base64.getEncoder().encodeToString(bytes.array());
    }
}
