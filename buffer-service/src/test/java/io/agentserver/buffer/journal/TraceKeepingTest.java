package io.agentserver.buffer.journal;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Verdict;
import org.junit.jupiter.api.Test;

import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** What comes again through the log brings its own trace, not that of whoever brings it. */
class TraceKeepingTest {
    private static final String FIRST = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    private static final String SECOND = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    private final Conversing talk = new Conversing();

    @Test
    void a_message_that_waited_for_its_turn_goes_on_in_its_own_trace() {
        Emission second = talk.clientMessage();
        talk.journal.begin(talk.key, talk.beginning(talk.first).setTrace(FIRST).build());
        BeginReply queued = talk.journal.begin(
                talk.key, talk.beginning(second).setTrace(SECOND).build());
        assertThat(queued.getVerdict()).isEqualTo(Verdict.QUEUED_BEHIND_TURN);

        List<Emission> freed = talk.journal
                .complete(
                        talk.key,
                        talk.completing(talk.first, talk.respond(talk.first))
                                .setTrace(FIRST)
                                .build())
                .getEmissionsList();

        assertThat(freed).singleElement().satisfies(emission -> {
            assertThat(emission.getMessage()).isEqualTo(second.getMessage());
            assertThat(emission.getTrace()).isEqualTo(SECOND);
        });
    }

    @Test
    void an_output_that_is_put_on_the_log_once_more_has_the_trace_it_was_made_in() {
        talk.journal.begin(talk.key, talk.beginning(talk.first).setTrace(FIRST).build());
        talk.journal.complete(
                talk.key,
                talk.completing(talk.first, talk.forward(talk.first, 0, "worker"))
                        .setTrace(FIRST)
                        .build());

        BeginReply again = talk.journal.begin(
                talk.key, talk.beginning(talk.first).setTrace(SECOND).build());

        assertThat(again.getVerdict()).isEqualTo(Verdict.DONE);
        assertThat(again.getEmissionsList())
                .singleElement()
                .extracting(Emission::getTrace)
                .isEqualTo(FIRST);
    }
}
