import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Job } from './asked.ts'
import { askOverGrpc } from './grpc-load.ts'
import { askOverHttp } from './http-load.ts'
import { runAlone } from './limit.ts'
import { bodiesOf, headersOf } from './wire.ts'

// The process that asks, apart from everything that answers and from what reads the figures.

export interface Loaded {
  readonly tookMs: number
  readonly timesMs: readonly number[]
  /** What asking cost this process. */
  readonly cpuMs: number
}

export type LoadCalls = { readonly [kind in keyof typeof calls]: (typeof calls)[kind] }

async function load({ form, rows, model, callers, url, forMs }: Job): Promise<Loaded> {
  const bodies = bodiesOf(form, rows, model)
  const asked = { url, callers, bodies, headers: headersOf(form, rows) }
  const timesMs: number[] = []
  const before = process.cpuUsage()
  const beganMs = performance.now()
  const track = {
    isOver: () => performance.now() - beganMs >= forMs,
    note: (tookMs: number) => void timesMs.push(tookMs),
  }
  if (form === 'grpc') await askOverGrpc(asked, track)
  else await Promise.all(Array.from({ length: callers }, () => askOverHttp(asked, track)))
  const { user, system } = process.cpuUsage(before)
  return { tookMs: performance.now() - beganMs, timesMs, cpuMs: (user + system) / 1000 }
}

/** A server that says nothing, to see what the asking alone can do. */
async function nothing(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.end('{"outputs":[]}'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const calls = { load, nothing, runAlone }

process.on('message', ({ kind, args }: { kind: keyof typeof calls; args: unknown[] }) => {
  const work = calls[kind] as (...args: unknown[]) => Promise<unknown>
  work(...args).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: String(error).slice(0, 2000) }),
  )
})
process.on('disconnect', () => process.exit(0))
