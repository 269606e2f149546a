package io.agentserver.billing.topup;

import io.agentserver.billing.Calls;
import io.agentserver.billing.ledger.Book;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LineOrder;
import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.StatementLine;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.URI;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.Set;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TopUpsTest {
    private static final Clock CLOCK = Clock.fixed(Calls.NOON, ZoneOffset.UTC);
    private static final URI PAGE = URI.create("https://pay.example");

    private final TenantId tenant = Calls.newTenant();
    private final Ledger ledger = new Ledger(new MemoryLedgerStore());
    private final UUID attempt = UUID.randomUUID();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "499",
                "1000001",
                "-500",
                "+500",
                "0500",
                "5e2",
                "500.0",
                "500 ",
                "99999999999",
                "٥٠٠",
                "five"
            })
    void an_amount_that_is_no_integer_within_bounds_is_none(String cents) {
        assertThat(TopUpAmount.parse(cents)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 2_500, 1_000_000})
    void an_amount_within_bounds_is_one(int cents) {
        assertThat(TopUpAmount.parse(Integer.toString(cents))).contains(new TopUpAmount(cents));
    }

    @Test
    void the_test_card_posts_at_once_and_is_marked_as_a_test() {
        TopUps topUps = new TopUps(ledger, CLOCK, null, true);

        topUps.testCard(tenant, attempt, new TopUpAmount(2_500));

        assertThat(topUps.means()).isEqualTo(TopUps.Means.TEST_CARD);
        assertThat(ledger.balance(tenant).credit()).isEqualTo(MicroUsd.ofCents(2_500));
        assertThat(ledger.statement(tenant, Set.of(Book.MONEY), LineOrder.NEWEST_FIRST, null, 10)
                        .lines())
                .containsExactly(new StatementLine(
                        Calls.NOON,
                        GroupKind.TEST_TOP_UP,
                        "Top-up with the test card",
                        MicroUsd.ofCents(2_500),
                        tenant + "/" + attempt,
                        null,
                        true));
    }

    @Test
    void a_form_that_is_sent_twice_counts_once() {
        TopUps topUps = new TopUps(ledger, CLOCK, null, true);

        topUps.testCard(tenant, attempt, new TopUpAmount(2_500));
        topUps.testCard(tenant, attempt, new TopUpAmount(2_500));
        topUps.testCard(tenant, UUID.randomUUID(), new TopUpAmount(500));

        assertThat(ledger.balance(tenant).credit()).isEqualTo(MicroUsd.ofCents(3_000));
    }

    @Test
    void with_stripe_there_is_no_test_card() {
        TopUps topUps = new TopUps(ledger, CLOCK, (_, _, _, _, _) -> PAGE, true);

        assertThat(topUps.means()).isEqualTo(TopUps.Means.STRIPE);
        assertThat(topUps.checkout(tenant, attempt, new TopUpAmount(500), PAGE, PAGE))
                .isEqualTo(PAGE);
        assertThatThrownBy(() -> topUps.testCard(tenant, attempt, new TopUpAmount(500)))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void without_either_there_is_none() {
        TopUps topUps = new TopUps(ledger, CLOCK, null, false);

        assertThat(topUps.means()).isEqualTo(TopUps.Means.NONE);
        assertThatThrownBy(() -> topUps.testCard(tenant, attempt, new TopUpAmount(500)))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> topUps.checkout(tenant, attempt, new TopUpAmount(500), PAGE, PAGE))
                .isInstanceOf(IllegalStateException.class);
        assertThat(ledger.balance(tenant).version()).isZero();
    }
}
