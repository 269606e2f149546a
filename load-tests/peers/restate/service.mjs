// A thread of Restate's: appends what it is given to its state and answers it; `relay` does so by way of another object.
// The SDK wants Node 22; this is all that it misses in Node 20.
Promise.withResolvers ??= () => {
  let resolve, reject;
  const promise = new Promise((a, b) => ([resolve, reject] = [a, b]));
  return { promise, resolve, reject };
};
const restate = await import("@restatedev/restate-sdk");

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
