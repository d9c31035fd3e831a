import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import type { RpcCall, RpcService } from '#base/rpc'

/** How often a watcher's answer is looked at again. */
const LOOK_MS = 500

interface Asked {
  readonly service: string
}

/** The health of the whole server and of each of its services, which are ready together. */
export function healthService(services: readonly string[], isReady: () => boolean): RpcService {
  const known = ['', ...services]
  const status = () => ({ status: isReady() ? 'SERVING' : 'NOT_SERVING' })
  return {
    name: 'grpc.health.v1.Health',
    proto: { root: import.meta.dirname, file: 'health.proto' },
    methods: {
      Check: {
        answer: async ({ service }: Asked) => {
          if (!known.includes(service))
            throw new Problem(
              'not-found',
              `there is no service ${service}; there are ${services.join(', ')}`,
            )
          return status()
        },
      },
      List: {
        answer: async () => ({
          statuses: Object.fromEntries(known.map((name) => [name, status()])),
        }),
      },
      Watch: {
        watch: ({ service }: Asked, call) =>
          known.includes(service) ? watched(status, call) : unknown(call),
      },
    },
  }
}

async function* watched(look: () => { status: string }, { signal }: RpcCall) {
  let told = ''
  while (!signal.aborted) {
    const answer = look()
    if (answer.status !== told) yield answer
    told = answer.status
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** The protocol keeps the call open here, for the service may yet come. */
async function* unknown({ signal }: RpcCall) {
  yield { status: 'SERVICE_UNKNOWN' }
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
