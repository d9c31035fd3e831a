import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import type { RpcCall, RpcService } from '#base/rpc'

/** How often a watcher's answer is looked at again. */
const LOOK_MS = 500

interface Asked {
  readonly service: string
}

/** The health of the whole server and of each of its services, which are ready together. */
export function healthService(
  services: readonly string[],
  state: { isReady(): boolean; drains(): boolean },
): RpcService {
  const known = ['', ...services]
  const status = () => ({
    status: state.isReady() && !state.drains() ? 'SERVING' : 'NOT_SERVING',
  })
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
          watched(known.includes(service) ? status : unknown, state.drains, call),
      },
    },
  }
}

/** The protocol keeps the call open for a service that is not there, for it may yet come. */
const unknown = () => ({ status: 'SERVICE_UNKNOWN' })

/** Tells every change, and ends with a server that drains, which would wait for it. */
async function* watched(look: () => { status: string }, drains: () => boolean, call: RpcCall) {
  const signal = call.signal()
  let told = ''
  while (!signal.aborted) {
    const answer = look()
    if (answer.status !== told) yield answer
    if (drains()) return
    told = answer.status
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)
  }
}
