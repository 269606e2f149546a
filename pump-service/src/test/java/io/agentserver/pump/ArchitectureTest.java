package io.agentserver.pump;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

class ArchitectureTest {
    private static final JavaClasses PUMP = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.agentserver.pump");

    @Test
    void the_core_knows_no_spring() {
        noClasses()
                .that()
                .resideInAPackage("io.agentserver.pump.*..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.springframework..")
                .check(PUMP);
    }

    @Test
    void kafka_and_grpc_stay_in_their_adapters() {
        classes()
                .that()
                .resideInAnyPackage(
                        "io.agentserver.pump.flow..", "io.agentserver.pump.handler..", "io.agentserver.pump.llm..")
                .should()
                .onlyDependOnClassesThat()
                .resideOutsideOfPackages("org.apache.kafka..", "io.grpc..", "org.apache.hc..")
                .check(PUMP);
    }

    @Test
    void packages_have_no_cycles() {
        slices().matching("io.agentserver.pump.(*)..").should().beFreeOfCycles().check(PUMP);
    }
}
