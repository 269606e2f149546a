package io.agentserver.pump.llm;

import io.agentserver.organism.Handler;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.MessageHandler;
import io.agentserver.pump.handler.Spent;
import io.agentserver.pump.handler.Spent.ModelCall;
import io.agentserver.pump.handler.SystemErrors;
import io.agentserver.pump.handler.SystemErrors.Code;
import io.agentserver.pump.handler.XmlText;
import io.agentserver.pump.llm.Llm.ChatMessage;
import io.agentserver.pump.llm.Llm.Role;

import java.util.List;

/**
 * {@code handler: llm}: asks the model with the thread's history, reads its answer as calls or as the response. An answer
 * that cannot be repaired goes back to the model as {@code <huh>}, at most twice. Each call has its ordinal in its
 * idempotency key, so that a run after a crash gets the answers of the first and is not charged again.
 */
public final class LlmHandler implements MessageHandler {
    private static final int MOST_CORRECTIONS = 2;

    private final Llm llm;

    public LlmHandler(Llm llm) {
        this.llm = llm;
    }

    @Override
    public HandlerResult handle(HandlerCall call) {
        if (!(call.listener().handler() instanceof Handler.Llm handler)) {
            throw new IllegalArgumentException("listener " + call.listener().name() + " is not an llm listener");
        }
        List<ChatMessage> messages = Prompt.of(call, handler);
        Spent spent = Spent.NOTHING;
        for (int ordinal = 0; ordinal <= MOST_CORRECTIONS; ordinal++) {
            switch (llm.ask(question(call, handler.model(), messages, ordinal))) {
                case Llm.Answer.Answered(String said, String receipt, long input, long output) -> {
                    String content = XmlText.whole(said);
                    spent = spent.and(new ModelCall(receipt, input, output));
                    switch (ModelAnswer.read(content, call.listener(), call.organism())) {
                        case ModelAnswer.Fit fit -> {
                            return new HandlerResult.Done(fit.outputs(), spent.withNote(fit.note()));
                        }
                        case ModelAnswer.Unfit(String error) -> {
                            messages.add(new ChatMessage(Role.ASSISTANT, null, content));
                            messages.add(new ChatMessage(Role.USER, null, SystemErrors.huh(error, content)));
                        }
                    }
                }
                case Llm.Answer.Unavailable(String reason) -> {
                    return new HandlerResult.Again(Code.HANDLER, reason, "the model did not answer", spent);
                }
                case Llm.Answer.Busy(String reason) -> {
                    return new HandlerResult.Again(Code.HANDLER, reason, "the model did not answer", spent, true);
                }
                case Llm.Answer.Refused(String reason) -> {
                    return new HandlerResult.Failed(Code.HANDLER, "the model refused: " + reason, spent);
                }
                case Llm.Answer.OutOfCredit() -> {
                    return new HandlerResult.Failed(Code.BUDGET, "the credit is used up", spent);
                }
            }
        }
        return new HandlerResult.Failed(
                Code.VALIDATION, "the model's answer was not valid, also after two corrections", spent);
    }

    /** Which of its calls is running is not known here: the word is for each that may be. */
    @Override
    public void unwanted(HandlerCall call) {
        for (int ordinal = 0; ordinal <= MOST_CORRECTIONS; ordinal++) {
            llm.abandon(call.tenant(), key(call, ordinal));
        }
    }

    private static String key(HandlerCall call, int ordinal) {
        return call.onceId() + ":" + ordinal;
    }

    private static Llm.Question question(HandlerCall call, String model, List<ChatMessage> messages, int ordinal) {
        return new Llm.Question(
                call.tenant(),
                model,
                messages,
                key(call, ordinal),
                call.conversation(),
                call.thread(),
                call.id(),
                call.listener().name(),
                call.time());
    }
}
