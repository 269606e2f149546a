package io.agentserver.billing.console;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Locale;

/** What a page says after a form has sent the browser back to it: {@code ?notice=key-revoked}. */
public enum Notice {
    ORG_CLAIMED(true, "You are the owner of this org. Let the others in under People."),
    CONVERSATION_CANCELLED(true, "Cancelled. What was already being done may still finish, and is dropped."),
    ORGANISM_SAVED(true, "Saved. Turns that start from now on run on this version."),
    ORGANISM_UNCHANGED(true, "Nothing was changed, so no version was made."),
    KEY_REVOKED(true, "Revoked. Within 5 seconds nobody can use it any more."),
    TOPPED_UP(true, "Your credit has grown by that amount."),
    PAID(true, "Thank you. Your credit grows as soon as Stripe confirms the payment, usually within seconds."),
    PAYMENT_CANCELLED(false, "You left the payment page. Nothing was charged."),
    PERSON_ADDED(true, "Added. They see this org when they next sign in with that address."),
    ROLE_CHANGED(true, "The role is changed, from their next click on."),
    PERSON_REMOVED(true, "Removed. Their next click shows them nothing of this org."),
    ALREADY_MEMBER(false, "They are a member already. Change their role in the list."),
    LAST_OWNER(false, "This is the only owner. Make somebody else an owner first."),
    NO_SUCH_MEMBER(false, "They are no member any more, or somebody has just changed their role. Look again."),
    NO_EMAIL(false, "That is no e-mail address. Write it like name@example.com.");

    private final boolean good;
    private final String text;

    Notice(boolean good, String text) {
        this.good = good;
        this.text = text;
    }

    public boolean isGood() {
        return good;
    }

    public String text() {
        return text;
    }

    /** As it stands in an address. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Null for an address that says none. */
    public static @Nullable Notice of(@Nullable String wireName) {
        return Arrays.stream(values())
                .filter(notice -> notice.wireName().equals(wireName))
                .findFirst()
                .orElse(null);
    }
}
