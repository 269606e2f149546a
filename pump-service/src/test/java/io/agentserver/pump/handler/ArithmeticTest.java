package io.agentserver.pump.handler;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.math.BigInteger;

import static org.assertj.core.api.Assertions.assertThat;

class ArithmeticTest {
    @ParameterizedTest
    @CsvSource({
        "1+2*3, 7",
        "(1+2)*3, 9",
        "0.1+0.2, 0.3",
        "2^10, 1024",
        "2^3^2, 512",
        "-2^2, -4",
        "2^(-2), 0.25",
        "7/8, 0.875",
        "1/3, 0.3333333333333333333333333333333333",
        "10-4-3, 3",
        "100/10/2, 5",
        "--5, 5",
        "2*-3, -6",
        "' 6 * 7 ', 42",
        "0*5, 0",
        "1e2, undefined",
        "1000000*1000000, 1000000000000",
        "12345678901234567890123456789*98765432109876543210987654321, 1219326311370217952261850327336229233322374638011112635269"
    })
    void evaluates_exactly(String expression, String value) {
        Arithmetic.Result result = Arithmetic.evaluate(expression);

        if (value.equals("undefined")) {
            assertThat(result).isInstanceOf(Arithmetic.Undefined.class);
        } else {
            assertThat(result).isEqualTo(new Arithmetic.Value(value));
        }
    }

    @Test
    void is_exact_up_to_a_thousand_digits() {
        assertThat(Arithmetic.evaluate("3^999"))
                .isEqualTo(new Arithmetic.Value(BigInteger.valueOf(3).pow(999).toString()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "1/0",
                "0^(-1)",
                "2^0.5",
                "9^9^9",
                "9^999*9^999",
                "2 3",
                "2(3)",
                "2^-2",
                "1+",
                ")(",
                "PI",
                "FACT(5)",
                "0x10",
                "\"a\"",
                "1..2",
                "1 && 2",
                "[1]"
            })
    void refuses_what_is_none_or_has_no_value(String expression) {
        assertThat(Arithmetic.evaluate(expression)).isInstanceOf(Arithmetic.Undefined.class);
    }

    @Test
    void refuses_a_bomb_at_once() {
        assertThat(Arithmetic.evaluate("(".repeat(400) + "9" + "^999)".repeat(100)))
                .isInstanceOf(Arithmetic.Undefined.class);
        assertThat(Arithmetic.evaluate("9*".repeat(499) + "9")).isInstanceOf(Arithmetic.Value.class);
        assertThat(Arithmetic.evaluate("9*".repeat(600) + "9")).isInstanceOf(Arithmetic.Undefined.class);
    }
}
