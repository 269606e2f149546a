package io.agentserver.envelope;

import java.math.BigInteger;

/** Which 32 bytes are a public key worth registering (RFC 8032, section 5.1). Runs at registration only. */
final class Ed25519Point {
    private static final BigInteger P = BigInteger.TWO.pow(255).subtract(BigInteger.valueOf(19));
    private static final BigInteger D = BigInteger.valueOf(-121665)
            .multiply(BigInteger.valueOf(121666).modInverse(P))
            .mod(P);

    private Ed25519Point() {}

    /** Refuses an encoding that is not canonical, a point off the curve, and the eight points whose order divides 8. */
    static void requireOnCurveAndLargeOrder(byte[] encoded) throws VerificationKey.Unfit {
        byte[] bigEndian = new byte[32];
        for (int i = 0; i < 32; i++) {
            bigEndian[i] = encoded[31 - i];
        }
        bigEndian[0] &= 0x7F;
        BigInteger y = new BigInteger(1, bigEndian);
        if (y.compareTo(P) >= 0) {
            throw new VerificationKey.Unfit("x: not the canonical encoding of a point");
        }
        // x² = (y² - 1) / (d y² + 1)
        BigInteger ySquared = y.multiply(y).mod(P);
        BigInteger xSquared = ySquared.subtract(BigInteger.ONE)
                .multiply(D.multiply(ySquared).add(BigInteger.ONE).modInverse(P))
                .mod(P);
        boolean isSquare = xSquared.signum() == 0
                || xSquared.modPow(P.subtract(BigInteger.ONE).shiftRight(1), P).equals(BigInteger.ONE);
        if (!isSquare) {
            throw new VerificationKey.Unfit("x: not a point of the curve");
        }
        if (hasSmallOrder(xSquared, y)) {
            throw new VerificationKey.Unfit("x: a point of small order");
        }
    }

    /** Doubles y three times: a point of order dividing 8 ends at the neutral element, whose y is 1 and x is 0. */
    private static boolean hasSmallOrder(BigInteger xSquaredStart, BigInteger yStart) {
        BigInteger xSquared = xSquaredStart;
        BigInteger y = yStart;
        for (int i = 0; i < 3; i++) {
            // 2(x, y) = (2xy / (1 + d x² y²), (y² + x²) / (1 - d x² y²)); only x² and y are needed
            BigInteger ySquared = y.multiply(y).mod(P);
            BigInteger k = D.multiply(xSquared).multiply(ySquared).mod(P);
            BigInteger plus = BigInteger.ONE.add(k).modInverse(P);
            BigInteger minus = BigInteger.ONE.subtract(k).modInverse(P);
            BigInteger nextX = BigInteger.valueOf(4)
                    .multiply(xSquared)
                    .multiply(ySquared)
                    .multiply(plus)
                    .multiply(plus)
                    .mod(P);
            y = ySquared.add(xSquared).multiply(minus).mod(P);
            xSquared = nextX;
        }
        return xSquared.signum() == 0 && y.equals(BigInteger.ONE);
    }
}
