package io.agentserver.standalone;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.agentserver.log.Brokers;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

/** The walls of the house (STYLE: architecture tests). Only this module sees all five services. */
@AnalyzeClasses(packages = "io.agentserver", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String[] SERVICES = {"gateway", "pump", "buffer", "router", "billing"};

    @ArchTest
    static final ArchRule services_never_depend_on_each_other = slices().matching(
                    "io.agentserver.(gateway|pump|buffer|router|billing)..")
            .should()
            .notDependOnEachOther()
            .ignoreDependency(
                    DescribedPredicate.alwaysTrue(),
                    // the buffer's generated interface crosses the border by design
                    resideInAPackage("io.agentserver.buffer.v1.."));

    @ArchTest
    static final ArchRule nothing_depends_on_the_all_in_one = noClasses()
            .that(resideInAPackage("io.agentserver..").and(not(resideInAPackage("io.agentserver.standalone.."))))
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.agentserver.standalone..");

    @ArchTest
    static final ArchRule what_crosses_borders_depends_on_no_service = noClasses()
            .that(resideInAnyPackage(
                    "io.agentserver.envelope..",
                    "io.agentserver.organism..",
                    "io.agentserver.tenancy..",
                    "io.agentserver.usage..",
                    "io.agentserver.sealing..",
                    "io.agentserver.log..",
                    "io.agentserver.service.."))
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(services());

    @ArchTest
    static final ArchRule the_core_imports_no_spring = noClasses()
            .that(resideInAPackage("io.agentserver..").and(not(edge())))
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.springframework..");

    @ArchTest
    static final ArchRule lettuce_stays_in_its_adapters = noClasses()
            .that(resideInAPackage("io.agentserver..")
                    .and(not(named("Redis", "redis")))
                    .and(not(resideInAPackage("io.agentserver.credit")))) // which is Redis, for all three services
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.lettuce..");

    @ArchTest
    static final ArchRule aws_stays_in_its_adapters = noClasses()
            .that(resideInAPackage("io.agentserver..")
                    .and(not(named("Dynamo", "dynamo")))
                    .and(not(named("S3", "s3")))
                    .and(not(named("CloudFront", "cloudfront")))
                    .and(not(
                            resideInAPackage("io.agentserver.service.aws")))) // which opens the connections of them all
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon.awssdk..");

    /** Or one of them would speak plain text where all others are told how the brokers want to be spoken to. */
    @ArchTest
    static final ArchRule kafka_clients_are_opened_in_one_place = noClasses()
            .that(resideInAPackage("io.agentserver..")
                    .and(not(type(Brokers.class)))
                    .and(not(resideInAPackage("io.agentserver.standalone.."))))
            .should()
            .callConstructorWhere(
                    target(owner(assignableTo(KafkaConsumer.class).or(assignableTo(KafkaProducer.class)))))
            .orShould()
            .callMethodWhere(target(owner(assignableTo(Admin.class))).and(target(nameMatching("create"))));

    @ArchTest
    static final ArchRule packages_have_no_cycles =
            slices().matching("io.agentserver.(*).(*)..").should().beFreeOfCycles();

    private static String[] services() {
        String[] packages = new String[SERVICES.length];
        for (int i = 0; i < SERVICES.length; i++) {
            packages[i] = "io.agentserver." + SERVICES[i] + "..";
        }
        return packages;
    }

    /** Where Spring may live: the classes that STYLE names, and what starts a process. */
    private static DescribedPredicate<JavaClass> edge() {
        return DescribedPredicate.describe("edge of a service", type -> {
            String name = outermost(type);
            return type.getPackageName().startsWith("io.agentserver.service")
                    || type.getPackageName().startsWith("io.agentserver.standalone")
                    || type.getPackageName().equals("io.agentserver.billing.console.security")
                    || name.matches(
                            ".*(Application|Configuration|Endpoint|Properties|Filter|Advice|Convention|Problems|ServerRefusals)");
        });
    }

    private static DescribedPredicate<JavaClass> named(String prefix, String subPackage) {
        return DescribedPredicate.describe(
                prefix + "… or in a package " + subPackage,
                type -> outermost(type).startsWith(prefix)
                        // where stores are made, and where their failures become answers
                        || outermost(type).matches(".*(Configuration|StoreFactory|Advice|Command)")
                        || type.getPackageName().contains("." + subPackage));
    }

    private static String outermost(JavaClass type) {
        JavaClass outer = type;
        while (outer.getEnclosingClass().isPresent()) {
            outer = outer.getEnclosingClass().get();
        }
        return outer.getSimpleName();
    }
}
