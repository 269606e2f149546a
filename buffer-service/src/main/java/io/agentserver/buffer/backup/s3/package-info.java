/** A bucket of S3, or of what speaks as S3 does. */
@NullMarked
package io.agentserver.buffer.backup.s3;

import org.jspecify.annotations.NullMarked;
