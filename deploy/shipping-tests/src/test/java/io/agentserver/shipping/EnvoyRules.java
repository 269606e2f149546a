package io.agentserver.shipping;

import com.google.protobuf.Any;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.TypeRegistry;
import io.envoyproxy.pgv.validate.Validate;
import io.envoyproxy.pgv.validate.Validate.FieldRules;

import java.util.ArrayList;
import java.util.List;

/**
 * The rules that Envoy's descriptions have for values (protoc-gen-validate), as far as they are about what is required, numbers,
 * lengths, durations and enums. Envoy does not start with a configuration that breaks one.
 */
final class EnvoyRules {
    private final TypeRegistry types;
    private final List<String> broken = new ArrayList<>();

    private EnvoyRules(TypeRegistry types) {
        this.types = types;
    }

    /** One line for each rule that is broken, led by the field's path; also of what is packed inside. */
    static List<String> broken(Message message, TypeRegistry types) throws InvalidProtocolBufferException {
        EnvoyRules rules = new EnvoyRules(types);
        rules.check(message, "");
        return rules.broken;
    }

    private void check(Message message, String path) throws InvalidProtocolBufferException {
        // inside of another one it is a DynamicMessage, so it is known by its name
        if (message.getDescriptorForType().getFullName().equals("google.protobuf.Any")) {
            Any any = Any.parseFrom(message.toByteString());
            Descriptor type = types.getDescriptorForTypeUrl(any.getTypeUrl());
            check(DynamicMessage.parseFrom(type, any.getValue()), path);
            return;
        }
        for (OneofDescriptor oneof : message.getDescriptorForType().getRealOneofs()) {
            if (oneof.getOptions().getExtension(Validate.required) && !message.hasOneof(oneof)) {
                broken.add(path + ": needs one of " + oneof.getName());
            }
        }
        for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
            check(message, field, path.isEmpty() ? field.getName() : path + "." + field.getName());
        }
    }

    private void check(Message message, FieldDescriptor field, String path) throws InvalidProtocolBufferException {
        FieldRules rules = field.getOptions().getExtension(Validate.rules);
        if (field.isRepeated()) {
            int count = message.getRepeatedFieldCount(field);
            if (count < rules.getRepeated().getMinItems()) {
                broken.add(path + ": has fewer than " + rules.getRepeated().getMinItems());
            }
            for (int i = 0; i < count; i++) {
                value(message.getRepeatedField(field, i), rules.getRepeated().getItems(), path + "[" + i + "]");
            }
            return;
        }
        boolean absent = field.hasPresence() && !message.hasField(field);
        boolean required =
                rules.getMessage().getRequired() || rules.getDuration().getRequired();
        if (absent && required && field.getRealContainingOneof() == null) {
            broken.add(path + ": is required");
        }
        if (!absent) {
            value(message.getField(field), rules, path);
        }
    }

    private void value(Object value, FieldRules rules, String path) throws InvalidProtocolBufferException {
        Object plain = unwrapped(value);
        boolean kept = switch (rules.getTypeCase()) {
            case STRING ->
                ((String) plain).length() >= rules.getString().getMinLen()
                        || rules.getString().getIgnoreEmpty();
            case UINT32 ->
                within(
                        ((Number) plain).longValue(),
                        rules.getUint32().hasGte()
                                ? rules.getUint32().getGte()
                                : rules.getUint32().getGt() + (rules.getUint32().hasGt() ? 1 : 0),
                        rules.getUint32().hasLte() ? rules.getUint32().getLte() : Long.MAX_VALUE);
            case UINT64 ->
                within(
                        ((Number) plain).longValue(),
                        rules.getUint64().hasGte()
                                ? rules.getUint64().getGte()
                                : rules.getUint64().getGt() + (rules.getUint64().hasGt() ? 1 : 0),
                        rules.getUint64().hasLte() ? rules.getUint64().getLte() : Long.MAX_VALUE);
            case DURATION -> lasts(nanos((Message) value), rules.getDuration());
            case ENUM -> !rules.getEnum().getNotInList().contains(((EnumValueDescriptor) plain).getNumber());
            default -> true;
        };
        if (!kept) {
            broken.add(
                    path + ": " + plain + " is not within " + rules.toString().replaceAll("\\s+", " "));
        }
        if (value instanceof Message message) {
            check(message, path);
        }
    }

    private static boolean within(long value, long least, long most) {
        return value >= least && value <= most;
    }

    private static boolean lasts(long nanos, Validate.DurationRules rules) {
        return !(rules.hasGt() && nanos <= nanos(rules.getGt()))
                && !(rules.hasGte() && nanos < nanos(rules.getGte()))
                && !(rules.hasLte() && nanos > nanos(rules.getLte()));
    }

    private static long nanos(Message duration) {
        return duration instanceof Duration plain
                ? plain.getSeconds() * 1_000_000_000 + plain.getNanos()
                : number(duration, "seconds") * 1_000_000_000 + number(duration, "nanos");
    }

    private static long number(Message message, String field) {
        return ((Number) message.getField(message.getDescriptorForType().findFieldByName(field))).longValue();
    }

    /** What stands in a UInt32Value and its like. */
    private static Object unwrapped(Object value) {
        return value instanceof Message message
                        && message.getDescriptorForType()
                                .getFullName()
                                .matches("google\\.protobuf\\.(UInt|Int|String|Bool|Double).*Value")
                ? message.getField(message.getDescriptorForType().findFieldByName("value"))
                : value;
    }
}
