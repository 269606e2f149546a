package io.agentserver.billing.console;

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

    /**
     * The form in which one address is always the same text. Only ASCII letters are folded: Unicode's folding makes two
     * people of different addresses one (the Kelvin sign is a k then).
     */
    public static String normal(String email) {
        StringBuilder normal = new StringBuilder(email.strip());
        for (int i = 0; i < normal.length(); i++) {
            char c = normal.charAt(i);
            if (c >= 'A' && c <= 'Z') {
                normal.setCharAt(i, (char) (c + 'a' - 'A'));
            }
        }
        return normal.toString();
    }

    public static boolean isEmail(String text) {
        return FORM.matcher(text).matches() && text.equals(normal(text));
    }
}
