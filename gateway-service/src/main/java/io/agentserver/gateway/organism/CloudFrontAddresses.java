package io.agentserver.gateway.organism;

import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import software.amazon.awssdk.services.cloudfront.CloudFrontUtilities;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Addresses that CloudFront answers for some minutes, to whoever has one: signed by a key whose public half it knows (a <a
 * href="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html">canned
 * policy</a>). Within {@value #MINUTES} minutes an object's address is the same, so that a client's own cache finds it again; it
 * holds for that long at least, and twice that at most. Safe on any thread.
 */
public final class CloudFrontAddresses {
    private static final long MINUTES = 10;
    private static final long STEP = Duration.ofMinutes(MINUTES).toSeconds();

    private static final Pattern PEM =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

    private final CloudFrontUtilities cloudFront = CloudFrontUtilities.create();
    private final String base;
    private final String keyId;
    private final PrivateKey key;
    private final Clock clock;

    CloudFrontAddresses(String base, String keyId, PrivateKey key, Clock clock) {
        this.base = base;
        this.keyId = keyId;
        this.key = key;
        this.clock = clock;
    }

    /**
     * @param base the distribution's URL, without a slash at its end
     * @param keyId what CloudFront calls the public key
     * @param keyFile PEM of the private one (PKCS #8), RSA with 2,048 bits; whatever its name
     * @throws ConfigurationException if there is no such key
     */
    public static CloudFrontAddresses of(String base, String keyId, Path keyFile, Clock clock) {
        try {
            return new CloudFrontAddresses(base, keyId, privateKey(Files.readString(keyFile)), clock);
        } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_STATIC_KEY + "=" + keyFile
                            + " is no RSA private key in PEM: name the file that openssl genpkey -algorithm RSA wrote",
                    e);
        }
    }

    /** The SDK's own reader goes by the file's name, which is Kubernetes' to choose. */
    private static PrivateKey privateKey(String pem) throws GeneralSecurityException {
        Matcher key = PEM.matcher(pem);
        if (!key.find()) {
            throw new IllegalArgumentException("no BEGIN PRIVATE KEY");
        }
        byte[] der = Base64.getMimeDecoder().decode(key.group(1));
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der));
    }

    URI of(String object) {
        Instant until = Instant.ofEpochSecond((clock.instant().getEpochSecond() / STEP + 2) * STEP);
        return URI.create(cloudFront
                .getSignedUrlWithCannedPolicy(r -> r.resourceUrl(base + "/" + object)
                        .keyPairId(keyId)
                        .privateKey(key)
                        .expirationDate(until))
                .url());
    }
}
