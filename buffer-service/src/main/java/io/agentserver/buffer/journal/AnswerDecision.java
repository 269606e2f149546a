package io.agentserver.buffer.journal;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.commit.Answered;
import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerReply;
import io.agentserver.buffer.v1.AnswerRequest;
import io.agentserver.buffer.v1.LateAnswer;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * May a service still answer a message that it was handed? As long as that has not taken effect: asleep, or in a pump's hands,
 * whose park may be on its way. The first answer stands, for whoever completes the message has to have seen it.
 */
final class AnswerDecision {
    private static final int MOST_CHARS = 2 * 1024 * 1024;

    private final MessageKey key;
    private final LateAnswer answer;
    private final ByteString digest;
    private final long nowMs;

    /** @throws IllegalArgumentException if the request makes no sense in any state */
    AnswerDecision(AnswerRequest request, long nowMs) {
        this.key = MessageKey.of(request.getThread(), request.getMessage());
        this.answer = request.getAnswer();
        this.nowMs = nowMs;
        if (answer.getContent().length() > MOST_CHARS) {
            throw new IllegalArgumentException(
                    "answer: <" + answer.getContent().length() + "> characters are more than " + MOST_CHARS);
        }
        this.digest = digest(answer);
    }

    Decision<AnswerReply> decide(JournalState state) {
        if (state.answerDigest(key).isPresent()) {
            boolean same = state.answerDigest(key).get().equals(digest);
            return Decision.answer(
                    Knowledge.REMEMBERED,
                    _ -> reply(same ? AnswerOutcome.ANSWER_REPEATED : AnswerOutcome.ANSWER_DIFFERS));
        }
        if (!state.isInFlight(key)) {
            return Decision.answer(
                    Knowledge.CERTAIN,
                    s -> reply(s.find(key).isPresent() ? AnswerOutcome.ANSWER_TOO_LATE : AnswerOutcome.ANSWER_UNKNOWN));
        }
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.answer(key, answer);
        return Decision.write(draft.build(), Knowledge.REMEMBERED, _ -> reply(AnswerOutcome.ANSWER_TAKEN));
    }

    /** Of an answer that is perhaps pruned. */
    static ByteString digest(Answered answered) {
        return answered.hasAnswer() ? digest(answered.getAnswer()) : answered.getDigest();
    }

    /** Of its content, which is canonical: the same answer in other spelling is the same. */
    static ByteString digest(LateAnswer answer) {
        try {
            return ByteString.copyFrom(MessageDigest.getInstance("SHA-256")
                    .digest(answer.getContent().getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static AnswerReply reply(AnswerOutcome outcome) {
        return AnswerReply.newBuilder().setOutcome(outcome).build();
    }
}
