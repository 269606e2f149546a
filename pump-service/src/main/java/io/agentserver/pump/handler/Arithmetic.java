package io.agentserver.pump.handler;

import com.ezylang.evalex.BaseException;
import com.ezylang.evalex.EvaluationException;
import com.ezylang.evalex.Expression;
import com.ezylang.evalex.config.ExpressionConfiguration;
import com.ezylang.evalex.config.MapBasedFunctionDictionary;
import com.ezylang.evalex.config.MapBasedOperatorDictionary;
import com.ezylang.evalex.data.EvaluationValue;
import com.ezylang.evalex.operators.AbstractOperator;
import com.ezylang.evalex.operators.InfixOperator;
import com.ezylang.evalex.operators.OperatorIfc;
import com.ezylang.evalex.operators.PrefixOperator;
import com.ezylang.evalex.parser.Token;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Decimal arithmetic with {@code + - * / ^ ( )} by EvalEx, which is given these operators and nothing else. Exact, but for a
 * division that does not end: it is rounded to 34 digits, half even. Bounded in length, digits and exponent, so that no
 * expression is a bomb. {@code ^} takes whole exponents, binds tighter than a sign and to the right: {@code -2^2} is -4; a sign
 * after {@code ^} needs parentheses: {@code 2^(-2)}.
 */
final class Arithmetic {
    static final int LONGEST = 1000;

    private static final int MOST_DIGITS = 1000;
    private static final int GREATEST_EXPONENT = 999;

    /** Checked first: EvalEx would also take names, text, arrays and {@code 0x1f}. */
    private static final Pattern CHARACTERS = Pattern.compile("[0-9.+\\-*/^()\\s]{1," + LONGEST + "}");

    private static final ExpressionConfiguration CONFIGURATION = ExpressionConfiguration.builder()
            .operatorDictionary(MapBasedOperatorDictionary.ofOperators(
                    Map.entry("+", new Plus()),
                    Map.entry("-", new Minus()),
                    Map.entry("*", new Times()),
                    Map.entry("/", new Divided()),
                    Map.entry("^", new Power()),
                    Map.entry("+", new Positive()),
                    Map.entry("-", new Negative())))
            .functionDictionary(new MapBasedFunctionDictionary())
            .defaultConstants(Map.of())
            .mathContext(new MathContext(MOST_DIGITS + 1))
            .arraysAllowed(false)
            .structuresAllowed(false)
            .implicitMultiplicationAllowed(false)
            .build();

    private Arithmetic() {}

    sealed interface Result {}

    record Value(String text) implements Result {}

    record Undefined(String reason) implements Result {}

    static Result evaluate(String expression) {
        if (!CHARACTERS.matcher(expression).matches() || expression.isBlank()) {
            return new Undefined("this is no arithmetic expression");
        }
        try {
            BigDecimal value =
                    new Expression(expression, CONFIGURATION).evaluate().getNumberValue();
            return value == null
                    ? new Undefined("this is no arithmetic expression")
                    : new Value(
                            value.signum() == 0
                                    ? "0"
                                    : value.stripTrailingZeros().toPlainString());
        } catch (OutOfBounds e) {
            return new Undefined(e.reason);
        } catch (BaseException | ArithmeticException e) {
            return new Undefined("this is no arithmetic expression");
        }
    }

    private abstract static class Exact extends AbstractOperator {
        @Override
        public EvaluationValue evaluate(Expression expression, Token token, EvaluationValue... operands)
                throws EvaluationException {
            BigDecimal left = operands[0].getNumberValue();
            BigDecimal right = operands.length > 1 ? operands[1].getNumberValue() : BigDecimal.ZERO;
            BigDecimal value = apply(left, right, token);
            if (value.precision() > MOST_DIGITS || Math.abs((long) value.scale()) > MOST_DIGITS) {
                throw new OutOfBounds(token, "a value has over " + MOST_DIGITS + " digits");
            }
            return expression.convertValue(value);
        }

        abstract BigDecimal apply(BigDecimal left, BigDecimal right, Token at) throws EvaluationException;
    }

    @InfixOperator(precedence = OperatorIfc.OPERATOR_PRECEDENCE_ADDITIVE)
    private static final class Plus extends Exact {
        @Override
        BigDecimal apply(BigDecimal left, BigDecimal right, Token at) {
            return left.add(right);
        }
    }

    @InfixOperator(precedence = OperatorIfc.OPERATOR_PRECEDENCE_ADDITIVE)
    private static final class Minus extends Exact {
        @Override
        BigDecimal apply(BigDecimal left, BigDecimal right, Token at) {
            return left.subtract(right);
        }
    }

    @InfixOperator(precedence = OperatorIfc.OPERATOR_PRECEDENCE_MULTIPLICATIVE)
    private static final class Times extends Exact {
        @Override
        BigDecimal apply(BigDecimal left, BigDecimal right, Token at) {
            return left.multiply(right);
        }
    }

    @InfixOperator(precedence = OperatorIfc.OPERATOR_PRECEDENCE_MULTIPLICATIVE)
    private static final class Divided extends Exact {
        @Override
        BigDecimal apply(BigDecimal left, BigDecimal right, Token at) throws EvaluationException {
            if (right.signum() == 0) {
                throw new OutOfBounds(at, "a division by zero");
            }
            return quotient(left, right);
        }
    }

    @InfixOperator(precedence = OperatorIfc.OPERATOR_PRECEDENCE_POWER_HIGHER, leftAssociative = false)
    private static final class Power extends Exact {
        @Override
        BigDecimal apply(BigDecimal left, BigDecimal right, Token at) throws EvaluationException {
            BigDecimal exponent = right.stripTrailingZeros();
            if (exponent.scale() > 0 || exponent.abs().compareTo(BigDecimal.valueOf(GREATEST_EXPONENT)) > 0) {
                throw new OutOfBounds(at, "an exponent that is not whole, or over " + GREATEST_EXPONENT);
            }
            int times = exponent.intValueExact();
            if ((long) Math.abs(times) * left.stripTrailingZeros().precision() > 2L * MOST_DIGITS) {
                throw new OutOfBounds(at, "a value has over " + MOST_DIGITS + " digits");
            }
            BigDecimal power = left.stripTrailingZeros().pow(Math.abs(times));
            if (times >= 0) {
                return power;
            }
            if (power.signum() == 0) {
                throw new OutOfBounds(at, "a division by zero");
            }
            return quotient(BigDecimal.ONE, power);
        }
    }

    @PrefixOperator(leftAssociative = false)
    private static final class Positive extends Exact {
        @Override
        BigDecimal apply(BigDecimal left, BigDecimal right, Token at) {
            return left;
        }
    }

    @PrefixOperator(leftAssociative = false)
    private static final class Negative extends Exact {
        @Override
        BigDecimal apply(BigDecimal left, BigDecimal right, Token at) {
            return left.negate();
        }
    }

    /** Exact where the decimal expansion ends within the bound. */
    private static BigDecimal quotient(BigDecimal left, BigDecimal right) {
        BigDecimal rounded = left.divide(right, MathContext.DECIMAL128);
        if (rounded.multiply(right).compareTo(left) == 0) {
            return rounded;
        }
        BigDecimal longer = left.divide(right, new MathContext(MOST_DIGITS));
        return longer.multiply(right).compareTo(left) == 0 ? longer : rounded;
    }

    private static final class OutOfBounds extends EvaluationException {
        private static final long serialVersionUID = 1L;

        private final String reason;

        OutOfBounds(Token at, String reason) {
            super(at, reason);
            this.reason = reason;
        }
    }
}
