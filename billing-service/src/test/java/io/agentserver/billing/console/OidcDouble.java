package io.agentserver.billing.console;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.ParseException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * An OpenID Connect issuer (OpenID Connect Core 1.0, code flow, RFC 7636) that asks nobody: discovery, keys, tokens. It refuses
 * a code that it did not give, one used twice, a wrong client secret and a wrong PKCE verifier.
 */
final class OidcDouble implements AutoCloseable {
    private final HttpServer server;
    private final RSAKey key;
    private final Map<String, Grant> grants = new ConcurrentHashMap<>();

    private record Grant(Map<String, String> asked, String email, boolean verified) {}

    OidcDouble() {
        try {
            key = new RSAKeyGenerator(2048).keyID("issuer-key").generate();
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException | JOSEException e) {
            throw new AssertionError(e);
        }
        server.createContext("/.well-known/openid-configuration", e -> json(e, 200, discovery()));
        server.createContext("/keys", e -> answer(e, 200, new JWKSet(key.toPublicJWK()).toString()));
        server.createContext("/token", this::token);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Where the browser is sent back to, once the person has signed in there. */
    String redirectBack(String authorizationUrl, String email, boolean verified) {
        Map<String, String> asked = fields(URI.create(authorizationUrl).getRawQuery());
        String code = UUID.randomUUID().toString();
        grants.put(code, new Grant(asked, email, verified));
        return asked.get("redirect_uri") + "?code=" + code + "&state="
                + URLEncoder.encode(String.valueOf(asked.get("state")), StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private Map<String, Object> discovery() {
        return Map.of(
                "issuer", url(),
                "authorization_endpoint", url() + "/authorize",
                "token_endpoint", url() + "/token",
                "jwks_uri", url() + "/keys",
                "response_types_supported", List.of("code"),
                "subject_types_supported", List.of("public"),
                "id_token_signing_alg_values_supported", List.of("RS256"));
    }

    private void token(HttpExchange exchange) {
        try {
            Map<String, String> form =
                    fields(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            Grant grant = grants.remove(String.valueOf(form.get("code")));
            String basic = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
            // RFC 6749, 2.3.1: both are form-encoded before they are joined
            String expected = "Basic "
                    + Base64.getEncoder().encodeToString("console:a+secret+%26+more".getBytes(StandardCharsets.UTF_8));
            if (grant == null
                    || !basic.equals(expected)
                    || !String.valueOf(grant.asked().get("code_challenge"))
                            .equals(challenge(String.valueOf(form.get("code_verifier"))))
                    || !String.valueOf(form.get("redirect_uri"))
                            .equals(grant.asked().get("redirect_uri"))) {
                json(exchange, 400, Map.of("error", "invalid_grant"));
                return;
            }
            json(
                    exchange,
                    200,
                    Map.of(
                            "access_token",
                            "unused",
                            "token_type",
                            "Bearer",
                            "expires_in",
                            60,
                            "id_token",
                            idToken(grant)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String idToken(Grant grant) {
        try {
            long now = Instant.now().getEpochSecond();
            Map<String, Object> claims = new LinkedHashMap<>();
            claims.put("iss", url());
            claims.put("sub", "subject-of-" + grant.email());
            claims.put("aud", "console");
            claims.put("iat", now);
            claims.put("exp", now + 60);
            claims.put("nonce", String.valueOf(grant.asked().get("nonce")));
            claims.put("email", grant.email());
            claims.put("email_verified", grant.verified());
            SignedJWT token = new SignedJWT(
                    new JWSHeader.Builder(JWSAlgorithm.RS256)
                            .keyID(key.getKeyID())
                            .build(),
                    JWTClaimsSet.parse(claims));
            token.sign(new RSASSASigner(key));
            return token.serialize();
        } catch (JOSEException | ParseException e) {
            throw new AssertionError(e);
        }
    }

    private static String challenge(String verifier) {
        try {
            return Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(
                            MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private static Map<String, String> fields(String encoded) {
        return Arrays.stream(encoded.split("&", -1))
                .map(pair -> pair.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8)));
    }

    private static void json(HttpExchange exchange, int status, Map<String, ?> body) throws IOException {
        answer(exchange, status, JsonMapper.shared().writeValueAsString(body));
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        try (exchange) {
            exchange.getResponseBody().write(bytes);
        }
    }
}
