package io.agentserver.router;

import java.io.IOException;
import java.util.Map;

/** A router between a provider that speaks Anthropic's shape, {@code claude}, and one that speaks OpenAI's, {@code pool}. */
final class TwoShapes {
    private TwoShapes() {}

    static RunningRouter router(TestPlatform platform, ProviderDouble claude, ProviderDouble pool) throws IOException {
        claude.behave(Scripted.anthropic());
        pool.behave(Scripted.openAi());
        String routes = """
                providers:
                  - name: claude
                    kind: anthropic
                    url: "%s"
                    key_env: CLAUDE_KEY
                    breaker: {window: 1000}
                    price: {input: 1000000, cached_input: 100000, cache_write: 1250000, output: 5000000}
                  - {name: pool, url: "%s", breaker: {window: 1000}, key_env: POOL_KEY, price: {input: 1000000, cached_input: 100000, output: 5000000}}
                routes:
                  default: {chain: [claude/c-1, pool/m-1], first_token: 1s, silence: 1s}
                  turned: {chain: [pool/m-1, claude/c-1], first_token: 1s, silence: 1s}
                  patient: {chain: [claude/c-1], first_token: 60s, silence: 60s}
                  waiting: {chain: [pool/m-1], first_token: 60s, silence: 60s}
                  stubbed: {chain: [claude/c-1], first_token: 400ms, stub: Nobody is in.}
                  vectors: {chain: [claude/e-1, pool/e-1]}
                  brief: {chain: [pool/e-1], total: 12s}
                  hasty: {chain: [pool/e-1], first_token: 100ms}
                """.formatted(claude.url(), pool.url());
        Map<String, String> settings = platform.settings();
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                platform.write("two-shapes-" + System.nanoTime() + ".yaml", routes)
                        .toString());
        settings.put("CLAUDE_KEY", "sk-claude");
        settings.put("POOL_KEY", "sk-pool");
        return RunningRouter.start(settings);
    }
}
