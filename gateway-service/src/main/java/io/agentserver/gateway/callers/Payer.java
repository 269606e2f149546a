package io.agentserver.gateway.callers;

import io.agentserver.envelope.Meta;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.ServiceTokens;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whose share of the processor some work is. What a signed envelope costs until its signature is verified goes to the tenant that it
 * says it is of, but to another share than that tenant's own: whoever lies takes nothing from what comes with an API key, and
 * one org's envelopes hold up no other's. Those that name no tenant that there is share one.
 *
 * @param proven by an API key, or by a signature that has been verified
 */
public record Payer(TenantId tenant, boolean proven) {
    private static final Payer STRANGERS = new Payer(ServiceTokens.PLATFORM, false);

    /** In any XML that the signer may have written; bounded, for it is looked for in a stranger's text. */
    private static final Pattern CLAIMS = Pattern.compile(
            "<(?:[\\w.-]{1,64}:)?jwt\\b[^<>]{0,256}>\\s{0,64}[A-Za-z0-9_-]{1,1024}\\.([A-Za-z0-9_-]{1,4096})\\.");

    private static final Pattern ISSUER = Pattern.compile("\"iss\"\\s*:\\s*\"([a-z0-9-]{3,40})\"");

    public static Payer of(TenantId tenant) {
        return new Payer(tenant, true);
    }

    /**
     * By what a body says of itself, which may be false; a batch by its first envelope that is signed.
     *
     * @param isTenant whether there is such a tenant
     */
    public static Payer claimedBy(byte[] body, Predicate<TenantId> isTenant) {
        Matcher claims = CLAIMS.matcher(new String(body, StandardCharsets.ISO_8859_1));
        return claims.find() ? claimedBy(claims.group(1), isTenant) : STRANGERS;
    }

    /** By what the token of an envelope says, which was read but not verified yet. */
    public static Payer signer(Meta meta, Predicate<TenantId> isTenant) {
        String[] parts = String.valueOf(meta.jwt()).split("\\.", -1);
        return parts.length == 3 ? claimedBy(parts[1], isTenant) : STRANGERS;
    }

    private static Payer claimedBy(String claims, Predicate<TenantId> isTenant) {
        byte[] json;
        try {
            json = Base64.getUrlDecoder().decode(claims);
        } catch (IllegalArgumentException notBase64) {
            return STRANGERS; // it will be refused as such
        }
        Matcher issuer = ISSUER.matcher(new String(json, StandardCharsets.ISO_8859_1));
        if (!issuer.find() || !TenantId.isValid(issuer.group(1))) {
            return STRANGERS;
        }
        TenantId tenant = new TenantId(issuer.group(1));
        return isTenant.test(tenant) ? new Payer(tenant, false) : STRANGERS;
    }
}
