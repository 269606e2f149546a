package io.agentserver.pump.log;

import io.agentserver.pump.testing.Seeds;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class OffsetWindowTest {
    @Test
    void nothing_is_committable_before_anything_has_come() {
        OffsetWindow window = new OffsetWindow();

        assertThat(window.committable()).isEqualTo(-1);
        assertThat(window.isDirty()).isFalse();
    }

    @Test
    void commits_the_lowest_unfinished_offset_although_higher_ones_are_finished() {
        OffsetWindow window = new OffsetWindow();
        window.start(10);
        window.start(11);
        window.start(14); // the log has gaps
        window.finish(11);
        window.finish(14);

        assertThat(window.committable()).isEqualTo(10);
        window.finish(10);
        assertThat(window.committable()).isEqualTo(15);
    }

    @Test
    void refuses_an_offset_that_comes_twice() {
        OffsetWindow window = new OffsetWindow();
        window.start(10);

        assertThatThrownBy(() -> window.start(10)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void never_commits_past_an_unfinished_offset() {
        Seeds.each(300, OffsetWindowTest::commitsTheLowestUnfinished);
    }

    private static void commitsTheLowestUnfinished(Random random) {
        int count = 1 + random.nextInt(60);
        OffsetWindow window = new OffsetWindow();
        TreeSet<Long> open = new TreeSet<>();
        long next = random.nextInt(100);
        long last = next;
        List<Long> left = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            window.start(next);
            open.add(next);
            left.add(next);
            last = next;
            next += 1 + random.nextInt(3);
            while (!left.isEmpty() && random.nextInt(3) == 0) {
                Collections.shuffle(left, random);
                long done = left.removeLast();
                open.remove(done);
                window.finish(done);
            }
            assertThat(window.committable()).isEqualTo(open.isEmpty() ? last + 1 : open.first());
            assertThat(window.unfinishedCount()).isEqualTo(open.size());
        }
        left.forEach(window::finish);
        assertThat(window.committable()).isEqualTo(last + 1);
        assertThat(window.isDirty()).isTrue();
        window.committed(last + 1);
        assertThat(window.isDirty()).isFalse();
    }
}
