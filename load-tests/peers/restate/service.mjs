// A thread of Restate's: appends what it is given to its state and answers it; `relay` does so by way of another object.
import * as restate from "@restatedev/restate-sdk";

const second = restate.object({
  name: "second",
  handlers: {
    append: async (ctx, { text }) => {
      ctx.set("log", [...((await ctx.get("log")) ?? []), text]);
      return { text };
    },
  },
});

const thread = restate.object({
  name: "thread",
  handlers: {
    append: async (ctx, { text }) => {
      ctx.set("log", [...((await ctx.get("log")) ?? []), text]);
      return { text };
    },
    relay: async (ctx, { text }) => {
      ctx.set("log", [...((await ctx.get("log")) ?? []), text]);
      return ctx.objectClient(second, ctx.key).append({ text });
    },
  },
});

restate.serve({ services: [thread, second], port: Number(process.env.PORT ?? 9080) });
