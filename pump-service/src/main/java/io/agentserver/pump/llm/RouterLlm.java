package io.agentserver.pump.llm;

import io.agentserver.envelope.TenantId;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.ServiceTokens;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The LLM router over its OpenAI-compatible HTTP interface. Keeps connections; blocks the calling virtual thread; an
 * interrupt cancels the request. Answers are read up to 4 MiB.
 */
public final class RouterLlm implements Llm {
    private static final int MOST_BYTES = 4 * 1024 * 1024;
    private static final Duration ABANDONING = Duration.ofSeconds(5);
    private static final Logger LOG = LoggerFactory.getLogger(RouterLlm.class);
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** To the router's 422: another prompt was asked under this key. */
    private static final Answer OTHER_PROMPT = new Answer.Refused("422 idempotency-mismatch");

    private final URI completions;
    private final ServiceTokens tokens;
    private final Tracing tracing;

    /** By the keys that were meant, those that are asked under now instead. */
    private final Map<String, String> asked = new ConcurrentHashMap<>();

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();

    /** @param router the base URL, without {@code /v1} */
    public RouterLlm(URI router, ServiceTokens tokens, Tracing tracing) {
        this.completions = URI.create(router.toString().replaceAll("/+$", "") + "/v1/chat/completions");
        this.tokens = tokens;
        this.tracing = tracing;
    }

    /**
     * A message that is handled again may come with another prompt: its history has grown or gone meanwhile. What was said under
     * its key answers another question then, so it is asked anew, under a key of that prompt.
     */
    @Override
    public Answer ask(Question question) {
        byte[] body = body(question);
        String key = question.idempotencyKey();
        Answer answer = ask(question, key, body);
        if (!answer.equals(OTHER_PROMPT)) {
            return answer;
        }
        abandon(question.tenant(), key); // whoever asked it has gone, or says himself what he wants of it
        String another = key + ":" + digest(body);
        asked.put(key, another);
        try {
            return ask(question, another, body);
        } finally {
            asked.remove(key, another);
        }
    }

    private Answer ask(Question question, String key, byte[] prompt) {
        try {
            HttpResponse<InputStream> response =
                    http.send(request(question, key, prompt), HttpResponse.BodyHandlers.ofInputStream());
            try (InputStream in = response.body()) {
                byte[] body = in.readNBytes(MOST_BYTES + 1);
                return body.length > MOST_BYTES
                        ? new Answer.Refused("its answer is over " + MOST_BYTES + " bytes")
                        : answer(response, body);
            }
        } catch (IOException e) {
            return new Answer.Unavailable("the router cannot be reached: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Answer.Unavailable("the call was cut off");
        }
    }

    /** The router goes on with a call whose caller has gone, for whoever asks again, until it hears this. */
    @Override
    public void abandon(TenantId tenant, String idempotencyKey) {
        say(tenant, idempotencyKey);
        String another = asked.get(idempotencyKey);
        if (another != null) {
            say(tenant, another);
        }
    }

    private void say(TenantId tenant, String idempotencyKey) {
        HttpRequest request = HttpRequest.newBuilder(completions)
                .timeout(ABANDONING)
                .header("Authorization", "Bearer " + tokens.issue(tenant, ServiceTokens.LLM_CALL))
                .header("Idempotency-Key", idempotencyKey)
                .DELETE()
                .build();
        try {
            int status =
                    http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
            if (status != 204) {
                LOG.warn("the router answers {} to a call's end: a model may answer in vain", status);
            }
        } catch (IOException e) {
            LOG.warn("the router did not hear that a call is over: a model may answer in vain: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private HttpRequest request(Question question, String key, byte[] body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(completions)
                .timeout(question.time())
                .header("Authorization", "Bearer " + tokens.issue(question.tenant(), ServiceTokens.LLM_CALL))
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", key)
                .header("x-agentserver-conversation", question.conversation().toString())
                .header("x-agentserver-thread", question.thread().toString())
                .header("x-agentserver-message", question.message().toString())
                .header("x-agentserver-listener", question.listener())
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        tracing.inject(request::header);
        return request.build();
    }

    private static byte[] body(Question question) {
        List<Map<String, String>> messages = new ArrayList<>();
        for (ChatMessage message : question.messages()) {
            Map<String, String> each = new LinkedHashMap<>();
            each.put("role", message.role().name().toLowerCase(Locale.ROOT));
            if (message.name() != null) {
                each.put("name", message.name());
            }
            each.put("content", message.content());
            messages.add(each);
        }
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("model", question.model());
        body.put("messages", messages);
        return JSON.writeValueAsBytes(body);
    }

    private static String digest(byte[] body) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(body);
            return HexFormat.of().formatHex(hash, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static Answer answer(HttpResponse<?> response, byte[] body) {
        int status = response.statusCode();
        if (status == 402) {
            return new Answer.OutOfCredit();
        }
        if (status == 408 || status == 409 || status == 425 || status == 429) {
            return new Answer.Busy("the router answers " + status);
        }
        // 401: our token, not the tenant's doing; a clock is wrong, here or there, or a key is new, and that passes
        if (status == 401 || status >= 500) {
            return new Answer.Unavailable("the router answers " + status);
        }
        if (status != 200) {
            return new Answer.Refused(status + " " + errorCode(body));
        }
        try {
            JsonNode json = JSON.readTree(body);
            JsonNode usage = json.path("usage");
            return new Answer.Answered(
                    json.path("choices").path(0).path("message").path("content").asString(""),
                    response.headers()
                            .firstValue("x-agentserver-receipt")
                            .orElseGet(() -> json.path("id").asString("")),
                    Math.max(0, usage.path("prompt_tokens").asLong(0)),
                    Math.max(0, usage.path("completion_tokens").asLong(0)));
        } catch (JacksonException e) {
            return new Answer.Unavailable("the router's answer is no JSON");
        }
    }

    /** OpenAI's error code: a word, and safe to show; its message may not be. */
    private static String errorCode(byte[] body) {
        try {
            String code = JSON.readTree(body).path("error").path("code").asString("");
            return code.matches("[a-z0-9_-]{1,64}") ? code : "";
        } catch (JacksonException e) {
            return ""; // not an error of the router's own making: the status says it all
        }
    }
}
