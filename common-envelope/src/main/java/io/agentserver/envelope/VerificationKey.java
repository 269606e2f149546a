package io.agentserver.envelope;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.util.JSONObjectUtils;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.text.ParseException;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** A registered public key; it, not a token, decides the algorithm. */
public record VerificationKey(String kid, JwsAlgorithm algorithm, PublicKey key) {
    /** RFC 7518, 6.2.2, 6.3.2, 6.4; RFC 8037, 2. */
    private static final Set<String> PRIVATE_PARTS = Set.of("d", "p", "q", "dp", "dq", "qi", "oth", "k");

    private static final byte[] ED25519_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

    private static final int MINIMUM_RSA_BITS = 2048;
    private static final int MOST_RSA_BITS = 8192;
    private static final BigInteger LEAST_RSA_EXPONENT = BigInteger.valueOf(65_537); // FIPS 186-5, 5.4

    /** Reads one public JWK (RFC 7517) with {@code kid} and {@code alg}. @throws Unfit with the reason, for what CONTRACTS 5 refuses */
    public static VerificationKey ofJwk(String json) throws Unfit {
        try {
            Map<String, Object> members = JSONObjectUtils.parse(json);
            JWK jwk = JWK.parse(members);
            // by name: the library overlooks a factor of an RSA modulus without its exponent, which gives the key away
            // as well
            if (jwk.isPrivate() || !Collections.disjoint(members.keySet(), PRIVATE_PARTS)) {
                throw new Unfit("the key has private parts: register the public half alone");
            }
            if (jwk.getKeyID() == null || !jwk.getKeyID().matches("[A-Za-z0-9._-]{1,128}")) {
                throw new Unfit("kid: is needed, of the form [A-Za-z0-9._-]{1,128}");
            }
            if (jwk.getX509CertURL() != null || jwk.getX509CertChain() != null || hasThumbprint(jwk)) {
                throw new Unfit("x5u, x5c, x5t: certificates are not looked at; register the bare key");
            }
            if (jwk.getKeyUse() != null && !KeyUse.SIGNATURE.equals(jwk.getKeyUse())) {
                throw new Unfit("use: must be sig");
            }
            JwsAlgorithm algorithm = jwk.getAlgorithm() == null
                    ? null
                    : JwsAlgorithm.of(jwk.getAlgorithm().getName()).orElse(null);
            if (algorithm == null) {
                throw new Unfit("alg: must be EdDSA, ES256 or RS256");
            }
            return new VerificationKey(jwk.getKeyID(), algorithm, publicKey(jwk, algorithm));
        } catch (ParseException | JOSEException | GeneralSecurityException | IllegalArgumentException e) {
            throw new Unfit("not a public JWK of a known kind");
        }
    }

    private static boolean hasThumbprint(JWK jwk) {
        return jwk.toJSONObject().containsKey("x5t") || jwk.getX509CertSHA256Thumbprint() != null;
    }

    /** Of a JWK that {@link #ofJwk} has read, what is needed to verify: no certificates, no links, no more. */
    public static String publicMembers(String json) {
        try {
            JWK jwk = JWK.parse(json);
            Map<String, Object> members = new LinkedHashMap<>(jwk.getRequiredParams());
            members.put("kid", jwk.getKeyID());
            members.put("alg", jwk.getAlgorithm().getName());
            return JSONObjectUtils.toJSONString(members);
        } catch (ParseException e) {
            throw new IllegalArgumentException("not a JWK", e);
        }
    }

    private static PublicKey publicKey(JWK jwk, JwsAlgorithm algorithm)
            throws Unfit, JOSEException, GeneralSecurityException {
        return switch (algorithm) {
            case EdDSA -> {
                if (!(jwk instanceof OctetKeyPair okp) || !Curve.Ed25519.equals(okp.getCurve())) {
                    throw new Unfit("crv: EdDSA needs Ed25519");
                }
                yield ed25519(okp.getX().decode());
            }
            case ES256 -> {
                if (!(jwk instanceof ECKey ec) || !Curve.P_256.equals(ec.getCurve())) {
                    throw new Unfit("crv: ES256 needs P-256");
                }
                yield ec.toECPublicKey(); // refuses a point off the curve
            }
            case RS256 -> {
                if (!(jwk instanceof RSAKey rsa) || rsa.size() < MINIMUM_RSA_BITS) {
                    throw new Unfit("n: RS256 needs an RSA key of at least 2,048 bits");
                }
                BigInteger modulus = rsa.getModulus().decodeToBigInteger();
                BigInteger exponent = rsa.getPublicExponent().decodeToBigInteger();
                if (modulus.bitLength() < MINIMUM_RSA_BITS
                        || modulus.bitLength() > MOST_RSA_BITS
                        || !modulus.testBit(0)) {
                    throw new Unfit("n: RS256 needs an odd modulus of 2,048 to 8,192 bits");
                }
                if (exponent.compareTo(LEAST_RSA_EXPONENT) < 0 || exponent.bitLength() > 256 || !exponent.testBit(0)) {
                    throw new Unfit("e: RS256 needs an odd exponent of at least 65537, usually just that");
                }
                yield rsa.toRSAPublicKey();
            }
        };
    }

    static PublicKey ed25519(byte[] point) throws Unfit, GeneralSecurityException {
        if (point.length != 32) {
            throw new Unfit("x: an Ed25519 point has 32 bytes");
        }
        Ed25519Point.requireOnCurveAndLargeOrder(point);
        byte[] encoded = Arrays.copyOf(ED25519_PREFIX, ED25519_PREFIX.length + 32);
        System.arraycopy(point, 0, encoded, ED25519_PREFIX.length, 32);
        return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
    }

    /** Why a key cannot be registered; the text may be shown to the caller. */
    public static final class Unfit extends Exception {
        private static final long serialVersionUID = 1L;

        Unfit(String reason) {
            super(reason, null, false, false);
        }
    }
}
