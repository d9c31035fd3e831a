import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { median, tell } from './figures.ts'
import { memoryMib, startMlflow, startOrrery, type Contender } from './peers.ts'

// One file of 2 GB up and down over one loopback connection, by the same plain client, against Orrery, `mlflow
// server` and the least that a server can do: pipe the body to a file, sync it, and pipe the file back. They are
// measured by turns. Orrery hashes what it gets and answers when it is durable; mlflow neither hashes nor syncs.

const SIZE = 2_000_000_000
const ROUNDS = 3
const PIECE = Buffer.alloc(1 << 20, 7)

interface Place {
  readonly name: string
  readonly address: string
  readonly memory: () => Promise<number>
  stop(): Promise<void>
}

interface Seconds {
  readonly up: number[]
  readonly down: number[]
}

function upload(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sending = request(
      address,
      { method: 'PUT', headers: { 'content-length': SIZE } },
      (answer) => {
        answer.resume()
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve()
          else reject(new Error(`the upload was answered with ${answer.statusCode}`))
        })
      },
    )
    sending.on('error', reject)
    let left = SIZE
    const send = () => {
      let hasRoom = true
      while (left > 0 && hasRoom) {
        const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE
        left -= piece.length
        hasRoom = sending.write(piece)
      }
      if (left === 0) sending.end()
      else sending.once('drain', send)
    }
    send()
  })
}

async function download(address: string): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request(address, resolve).on('error', reject).end()
  })
  let got = 0
  for await (const piece of answer) got += (piece as Buffer).length
  if (got !== SIZE) throw new Error(`${got} bytes came back`)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

/** The least that a server can do, in a thread of its own. */
async function plainCopy(folder: string): Promise<Place> {
  const worker = new Worker(new URL(import.meta.url), { workerData: folder })
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  return {
    name: 'plain copy',
    address: `http://127.0.0.1:${port}/big.bin`,
    memory: async () => 0,
    stop: async () => void (await worker.terminate()),
  }
}

function serveCopies(folder: string): Server {
  return createServer(async (asked, answer) => {
    const file = join(folder, 'plain.bin')
    if (asked.method === 'PUT') {
      await pipeline(asked, createWriteStream(file))
      const written = await open(file)
      await written.sync()
      await written.close()
      answer.end()
    } else {
      answer.setHeader('content-length', (await stat(file)).size)
      await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), answer)
    }
  })
}

function placeOf(name: string, server: Contender): Place {
  const address = `${server.url}/api/2.0/mlflow-artifacts/artifacts/bench/big.bin`
  return { name, address, memory: () => memoryMib(server.family), stop: server.stop }
}

/** The most memory that a server was seen to have while something was going on. */
async function peakOf(place: Place, work: () => Promise<void>): Promise<number> {
  let peak = await place.memory()
  const looking = setInterval(() => {
    void place.memory().then((mib) => (peak = Math.max(peak, mib)))
  }, 500)
  await work()
  clearInterval(looking)
  return peak
}

async function measure(home: string): Promise<void> {
  const places: Place[] = []
  try {
    places.push(placeOf('Orrery', await startOrrery(join(home, 'orrery'))))
    places.push(placeOf('mlflow server', await startMlflow(home)))
    places.push(await plainCopy(home))
    const seconds = places.map((): Seconds => ({ up: [], down: [] }))
    const peaks = places.map(() => 0)
    const before = await Promise.all(places.map((place) => place.memory()))
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, place] of places.entries()) {
        const peak = await peakOf(place, async () => {
          seconds[index]?.up.push(await timed(() => upload(place.address)))
          seconds[index]?.down.push(await timed(() => download(place.address)))
        })
        peaks[index] = Math.max(peaks[index] ?? 0, peak)
      }
    report(places, seconds)
    const [ours = 0, theirs = 0] = peaks.map((peak, index) => peak - (before[index] ?? 0))
    console.log(
      `memory at most, above idle: Orrery ${ours.toFixed(0)} MiB, mlflow ${theirs.toFixed(0)} MiB`,
    )
  } finally {
    for (const place of places) await place.stop()
  }
}

function report(places: readonly Place[], seconds: readonly Seconds[]): void {
  for (const way of ['up', 'down'] as const) {
    const rates = seconds.map((each) => SIZE / 1e6 / median(each[way]))
    for (const peer of [1, 2])
      tell({
        what: `artifact of 2 GB ${way}`,
        unit: 'MB/s',
        orrery: rates[0] ?? 0,
        peer: rates[peer] ?? 0,
        peerName: places[peer]?.name ?? '',
        better: 'higher',
      })
  }
}

if (isMainThread) {
  const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
  try {
    await measure(home)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
} else {
  const server = serveCopies(workerData as string)
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a thread, not a window
    parentPort?.postMessage(port)
  })
}
