import { Problem } from '#base/problem'
import type { HeldModel, Runtime, ServingProcess } from '#inference'
import type { Supervised } from './supervise.ts'

type Options = Parameters<Runtime['start']>[0]

interface Host {
  readonly process: Promise<Supervised>
  /** How many hold each model. */
  readonly holders: Map<string, number>
}

/**
 * Starts small models together: each gets a process of its own while there are few, then they share. One that ended
 * the process of the others is run alone from then on.
 */
export function sharedHosts(parts: {
  /** Starts a process that holds nothing yet. */
  startHost: (timeoutMs: number) => Promise<Supervised>
  startAlone: (options: Options) => Promise<ServingProcess>
  hostsMax: number
}): (model: HeldModel, options: Options) => Promise<ServingProcess> {
  const { startHost, startAlone, hostsMax } = parts
  let hosts: Host[] = []
  const hostFor = (key: string, timeoutMs: number): Host => {
    const present = hosts.find(({ holders }) => holders.has(key))
    if (present !== undefined) return present
    if (hosts.length >= hostsMax)
      return hosts.reduce((least, each) => (each.holders.size < least.holders.size ? each : least))
    const host: Host = { process: startHost(timeoutMs), holders: new Map() }
    hosts.push(host)
    host.process.catch(() => {
      hosts = hosts.filter((each) => each !== host)
    })
    return host
  }
  const release = async (host: Host, key: string) => {
    const left = (host.holders.get(key) ?? 1) - 1
    if (left > 0) return void host.holders.set(key, left)
    host.holders.delete(key)
    const isEmpty = host.holders.size === 0
    if (isEmpty) hosts = hosts.filter((each) => each !== host)
    const process = await host.process
    return isEmpty ? process.stop() : process.remove(key)
  }

  return async (model, options) => {
    const { key } = model
    const host = hostFor(key, options.timeoutMs)
    host.holders.set(key, (host.holders.get(key) ?? 0) + 1)
    try {
      const process = await host.process
      await process.add(model)
      return guest(process, key, {
        startAlone: () => startAlone(options),
        release: () => release(host, key),
      })
    } catch (error) {
      await release(host, key)
      throw error
    }
  }
}

/** One model in a shared process, as its callers see it. */
function guest(
  shared: Supervised,
  key: string,
  means: { startAlone: () => Promise<ServingProcess>; release: () => Promise<void> },
): ServingProcess {
  let alone: Promise<ServingProcess> | undefined
  let moved: ServingProcess | undefined
  const moveOut = () => {
    alone ??= means.startAlone().then(async (own) => {
      moved = own
      await means.release()
      return own
    })
    return alone.catch((error: unknown) => {
      alone = undefined
      throw error
    })
  }
  const shape = shared.shapes.get(key)
  const shapes = new Map(shape === undefined ? [] : [[key, shape]])
  return {
    shapes,
    failures: new Map(),
    infer: async (name, inputs, asked) => {
      if (moved !== undefined) return moved.infer(name, inputs, asked)
      if (!shared.isOut(key))
        try {
          return await shared.infer(name, inputs, asked)
        } catch (error) {
          const isRefused = error instanceof Problem && error.code === 'unavailable'
          if (!isRefused || !shared.isOut(key)) throw error
        }
      return (await moveOut()).infer(name, inputs, asked)
    },
    ping: () => (moved ?? shared).ping(),
    get state() {
      return (moved ?? shared).state
    },
    get pid() {
      return (moved ?? shared).pid
    },
    get waiting() {
      return (moved ?? shared).waiting ?? 0
    },
    stop: async () => {
      if (alone === undefined) return means.release()
      return (await alone).stop()
    },
  }
}
