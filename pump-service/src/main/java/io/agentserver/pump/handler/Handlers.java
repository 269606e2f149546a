package io.agentserver.pump.handler;

import io.agentserver.organism.Handler;

import java.time.Clock;
import java.util.Map;
import java.util.Set;

/** Which handler does a listener's work. Immutable, safe on any thread. */
public final class Handlers {
    private final Map<String, MessageHandler> builtins;
    private final MessageHandler llm;
    private final MessageHandler http;

    public Handlers(MessageHandler llm, MessageHandler http, Clock clock) {
        this.builtins = builtins(clock);
        this.llm = llm;
        this.http = http;
    }

    /** The names that {@code builtin:<name>} may have. */
    public static Set<String> builtinNames() {
        return builtins(Clock.systemUTC()).keySet();
    }

    private static Map<String, MessageHandler> builtins(Clock clock) {
        return Map.of(
                "echo", new EchoHandler(),
                "upper", new UpperHandler(),
                "calculate", new CalculateHandler(),
                "timer", new TimerHandler(clock));
    }

    public MessageHandler of(Handler handler) {
        return switch (handler) {
            case Handler.Llm _ -> llm;
            case Handler.Http _ -> http;
            case Handler.Builtin(String name) -> builtins.getOrDefault(name, Handlers::unknown);
            case Handler.Java _ -> Handlers::unknown;
        };
    }

    /** How the metrics name it. */
    public static String kindOf(Handler handler) {
        return switch (handler) {
            case Handler.Llm _ -> "llm";
            case Handler.Http _ -> "http";
            case Handler.Builtin _ -> "builtin";
            case Handler.Java _ -> "java";
        };
    }

    /** An organism is checked before it is activated; this pod is older than the one that checked it. */
    private static HandlerResult unknown(HandlerCall call) {
        return new HandlerResult.Again(
                SystemErrors.Code.HANDLER,
                "this pod has no handler " + call.listener().handler(),
                "the handler is not available",
                Spent.NOTHING);
    }
}
