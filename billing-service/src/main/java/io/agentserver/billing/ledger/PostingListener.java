package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;

import java.util.List;

/** Is told, on the poster's thread, of groups that are durable: of those that this call has posted and of repeats alike. */
public interface PostingListener {
    void posted(TenantId tenant, List<PostingGroup> groups);
}
