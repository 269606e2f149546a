package io.agentserver.router;

import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.anthropic.core.JsonValue;
import com.anthropic.helpers.MessageAccumulator;
import com.anthropic.models.messages.ContentBlock;
import com.anthropic.models.messages.ContentBlockParam;
import com.anthropic.models.messages.Message;
import com.anthropic.models.messages.MessageCreateParams;
import com.anthropic.models.messages.RawMessageStreamEvent;
import com.anthropic.models.messages.StopReason;
import com.anthropic.models.messages.Tool;
import com.anthropic.models.messages.ToolResultBlockParam;
import com.anthropic.models.messages.ToolUseBlock;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** {@code openai-java} and {@code anthropic-java} with another base URL and key alone, to providers of each shape. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OfficialClientsTest {
    private static final Map<String, Object> CITY = Map.of("city", Map.of("type", "string"));

    private final ProviderDouble claude = new ProviderDouble();
    private final ProviderDouble pool = new ProviderDouble();
    private final RunningRouter router;
    private final OpenAIClient openAi;
    private final AnthropicClient anthropic;

    OfficialClientsTest(TestPlatform platform) throws IOException {
        router = TwoShapes.router(platform, claude, pool);
        openAi = OpenAIOkHttpClient.builder()
                .baseUrl(router.url() + "/v1")
                .apiKey(platform.acmeKey)
                .maxRetries(0)
                .build();
        anthropic = AnthropicOkHttpClient.builder()
                .baseUrl(router.url())
                .apiKey(platform.acmeKey)
                .maxRetries(0)
                .build();
    }

    @AfterAll
    void stop() {
        openAi.close();
        anthropic.close();
        router.close();
        claude.close();
        pool.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude/c-1", "pool/m-1"})
    void openai_java_completes_whole_and_streamed(String model) {
        ChatCompletionCreateParams asked = openAiAsking(model, "How are you?").build();
        ChatCompletion whole = openAi.chat().completions().create(asked);
        assertThat(whole.choices().getFirst().message().content()).contains("Fine, thanks.");
        assertThat(whole.usage().orElseThrow().promptTokens()).isEqualTo(100);
        assertThat(whole.usage()
                        .orElseThrow()
                        .promptTokensDetails()
                        .orElseThrow()
                        .cachedTokens())
                .contains(40L);
        ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
        ChatCompletionCreateParams streamed = asked.toBuilder()
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();
        try (StreamResponse<ChatCompletionChunk> chunks =
                openAi.chat().completions().createStreaming(streamed)) {
            chunks.stream().forEach(accumulator::accumulate);
        }
        ChatCompletion put = accumulator.chatCompletion();
        assertThat(put.choices().getFirst().message().content()).contains("Fine, thanks.");
        assertThat(put.usage().orElseThrow().totalTokens()).isEqualTo(120);
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude/c-1", "pool/m-1"})
    void openai_java_uses_a_tool(String model) {
        ChatCompletionCreateParams.Builder asking = openAiAsking(model, "What is the weather?")
                .addTool(ChatCompletionFunctionTool.builder()
                        .function(FunctionDefinition.builder()
                                .name("get_weather")
                                .parameters(FunctionParameters.builder()
                                        .putAdditionalProperty("type", com.openai.core.JsonValue.from("object"))
                                        .putAdditionalProperty("properties", com.openai.core.JsonValue.from(CITY))
                                        .build())
                                .build())
                        .build());
        ChatCompletion.Choice choice =
                openAi.chat().completions().create(asking.build()).choices().getFirst();
        assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.TOOL_CALLS);
        ChatCompletionMessageFunctionToolCall call =
                choice.message().toolCalls().orElseThrow().getFirst().asFunction();
        assertThat(call.function().arguments()).isEqualTo("{\"city\":\"Paris\"}");
        asking.addMessage(choice.message())
                .addMessage(ChatCompletionToolMessageParam.builder()
                        .toolCallId(call.id())
                        .content("sunny")
                        .build());
        assertThat(openAi.chat()
                        .completions()
                        .create(asking.build())
                        .choices()
                        .getFirst()
                        .message()
                        .content())
                .contains("It is sunny.");
    }

    @Test
    void openai_java_embeds_and_lists_models() {
        CreateEmbeddingResponse answer = openAi.embeddings()
                .create(EmbeddingCreateParams.builder()
                        .model("pool/e-1")
                        .inputOfArrayOfStrings(List.of("a", "b"))
                        .build());
        assertThat(answer.data())
                .hasSize(2)
                .allSatisfy(vector -> assertThat(vector.embedding()).containsExactly(0.5f, -0.25f));
        assertThat(answer.usage().promptTokens()).isEqualTo(8);
        assertThat(openAi.models().list().data())
                .anySatisfy(model -> assertThat(model.id()).isEqualTo("claude/c-1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude/c-1", "pool/m-1"})
    void openai_java_sees_a_broken_stream_and_a_wrong_request_as_errors(String model) {
        ChatCompletionCreateParams breaking =
                openAiAsking(model, "Please break.").build();
        assertThatThrownBy(() -> {
                    try (StreamResponse<ChatCompletionChunk> chunks =
                            openAi.chat().completions().createStreaming(breaking)) {
                        chunks.stream().forEach(chunk -> assertThat(chunk).isNotNull());
                    }
                })
                .isInstanceOf(com.openai.errors.OpenAIException.class);
        assertThatThrownBy(() -> openAi.chat()
                        .completions()
                        .create(openAiAsking("nobody", "How are you?").build()))
                .isInstanceOf(com.openai.errors.NotFoundException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude/c-1", "pool/m-1"})
    void anthropic_java_gets_messages_whole_and_streamed(String model) {
        MessageCreateParams asked = anthropicAsking(model, "How are you?").build();
        Message whole = anthropic.messages().create(asked);
        assertThat(whole.content().getFirst().asText().text()).isEqualTo("Fine, thanks.");
        assertThat(whole.stopReason()).contains(StopReason.END_TURN);
        assertThat(whole.usage().cacheReadInputTokens()).contains(40L);
        assertThat(whole.usage().outputTokens()).isEqualTo(20);
        Message put = streamed(asked);
        assertThat(put.content().getFirst().asText().text()).isEqualTo("Fine, thanks.");
        assertThat(put.usage().outputTokens()).isEqualTo(20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude/c-1", "pool/m-1"})
    void anthropic_java_uses_a_tool_whole_and_streamed(String model) {
        MessageCreateParams.Builder asking = anthropicAsking(model, "What is the weather?")
                .addTool(Tool.builder()
                        .name("get_weather")
                        .inputSchema(Tool.InputSchema.builder()
                                .properties(Tool.InputSchema.Properties.builder()
                                        .putAdditionalProperty("city", JsonValue.from(Map.of("type", "string")))
                                        .build())
                                .build())
                        .build());
        Message whole = anthropic.messages().create(asking.build());
        assertThat(whole.stopReason()).contains(StopReason.TOOL_USE);
        ToolUseBlock call = toolUse(whole);
        assertThat(call._input()).isEqualTo(JsonValue.from(Map.of("city", "Paris")));
        assertThat(toolUse(streamed(asking.build()))._input()).isEqualTo(call._input());
        asking.addMessage(whole)
                .addUserMessageOfContentBlockParams(
                        List.of(ContentBlockParam.ofToolResult(ToolResultBlockParam.builder()
                                .toolUseId(call.id())
                                .content("sunny")
                                .build())));
        assertThat(anthropic
                        .messages()
                        .create(asking.build())
                        .content()
                        .getFirst()
                        .asText()
                        .text())
                .isEqualTo("It is sunny.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude/c-1", "pool/m-1"})
    void anthropic_java_sees_a_broken_stream_and_a_wrong_request_as_errors(String model) {
        assertThatThrownBy(
                        () -> streamed(anthropicAsking(model, "Please break.").build()))
                .isInstanceOf(com.anthropic.errors.AnthropicException.class);
        assertThatThrownBy(() -> anthropic
                        .messages()
                        .create(anthropicAsking("nobody", "How are you?").build()))
                .isInstanceOf(com.anthropic.errors.NotFoundException.class);
    }

    @Test
    void anthropic_java_lists_models() {
        assertThat(anthropic.models().list().data())
                .anySatisfy(model -> assertThat(model.id()).isEqualTo("claude/c-1"));
    }

    private static ChatCompletionCreateParams.Builder openAiAsking(String model, String question) {
        return ChatCompletionCreateParams.builder()
                .model(model)
                .addSystemMessage("Be kind.")
                .addUserMessage(question);
    }

    private static MessageCreateParams.Builder anthropicAsking(String model, String question) {
        return MessageCreateParams.builder().model(model).maxTokens(100).addUserMessage(question);
    }

    private Message streamed(MessageCreateParams asked) {
        MessageAccumulator accumulator = MessageAccumulator.create();
        try (com.anthropic.core.http.StreamResponse<RawMessageStreamEvent> events =
                anthropic.messages().createStreaming(asked)) {
            events.stream().forEach(accumulator::accumulate);
        }
        return accumulator.message();
    }

    private static ToolUseBlock toolUse(Message message) {
        return message.content().stream()
                .filter(ContentBlock::isToolUse)
                .map(ContentBlock::asToolUse)
                .findFirst()
                .orElseThrow();
    }
}
