// Fastify's hello world.
import Fastify from 'fastify';

export async function start({ onNode, port, prefix }) {
  const app = Fastify();
  if (!onNode) {
    const { httpsysFastify } = await import('@httpsys/fastify');
    await app.register(httpsysFastify, { prefix });
  }
  app.get('/hello', (request, reply) => {
    reply.send('Hello, world');
  });
  if (onNode) await app.listen({ port, host: '127.0.0.1' });
  else await app.listenHttpsys();
}
