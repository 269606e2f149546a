/** The connections of a service to AWS. */
@NullMarked
package io.agentserver.service.aws;

import org.jspecify.annotations.NullMarked;
