package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

import java.util.function.UnaryOperator;

/** One call of one API as clients know it: how its requests are read, and how answers and refusals are written. Stateless. */
enum Shape {
    CHAT_COMPLETIONS {
        @Override
        ChatRequest.Reading read(byte[] body, UnaryOperator<@Nullable String> headers) {
            return ChatRequest.read(body);
        }
    },
    EMBEDDINGS {
        @Override
        ChatRequest.Reading read(byte[] body, UnaryOperator<@Nullable String> headers) {
            return EmbeddingsRequest.read(body);
        }
    },
    MESSAGES {
        @Override
        ChatRequest.Reading read(byte[] body, UnaryOperator<@Nullable String> headers) {
            return AnthropicRequest.read(body, headers.apply("anthropic-beta"));
        }

        @Override
        ObjectNode whole(ObjectNode completion, ChatRequest request) {
            return AnthropicMessage.of(completion, asksForThinking(request));
        }

        @Override
        EventStream.Script script(ChatRequest request, String requestId) {
            return new AnthropicScript(asksForThinking(request), requestId);
        }

        @Override
        ObjectNode refusal(Refusal refusal, String requestId) {
            return AnthropicErrors.body(refusal, requestId);
        }
    };

    abstract ChatRequest.Reading read(byte[] body, UnaryOperator<@Nullable String> headers);

    /** The answer in one piece. */
    ObjectNode whole(ObjectNode completion, ChatRequest request) {
        return completion;
    }

    /** Of one answer. */
    EventStream.Script script(ChatRequest request, String requestId) {
        return new OpenAiScript(request.includeUsage());
    }

    ObjectNode refusal(Refusal refusal, String requestId) {
        return OpenAiErrors.body(refusal);
    }

    /** In which shape what goes wrong outside of a call is told. */
    static Shape ofPath(String path) {
        return path.startsWith("/v1/messages") ? MESSAGES : CHAT_COMPLETIONS;
    }

    private static boolean asksForThinking(ChatRequest request) {
        return request.anthropic().filter(AnthropicBody::asksForThinking).isPresent();
    }
}
