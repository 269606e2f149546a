package io.agentserver.billing.console;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Somebody who is signed in.
 *
 * @param email verified by whoever signed them in; small letters
 * @param name as they are called; the e-mail if nothing is known
 */
public record Person(String email, String name) {
    private static final Pattern FORM =
            Pattern.compile("[\\p{L}\\p{N}][^\\s@\\p{Cntrl}]{0,63}@[^\\s@\\p{Cntrl}]{1,185}");

    public Person {
        if (!isEmail(email)) {
            throw new IllegalArgumentException("person: <" + email + "> is no e-mail address in small letters");
        }
    }

    /** The form in which one address is always the same text. */
    public static String normal(String email) {
        return email.strip().toLowerCase(Locale.ROOT);
    }

    public static boolean isEmail(String text) {
        return FORM.matcher(text).matches() && text.equals(normal(text));
    }
}
