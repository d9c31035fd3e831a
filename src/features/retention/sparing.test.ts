import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sha256 } from '#base/digest'
import type { ObjectStore, StoredObject } from '#objects'
import { shareObjects } from './sparing.ts'

/** Objects in memory whose steps happen when a test says so. */
function steppedStore() {
  const kept = new Set<string>()
  const steps: { name: string; go(): void }[] = []
  const step = (name: string) =>
    new Promise<void>((resolve) => {
      steps.push({ name, go: resolve })
    })
  const store = {
    put: async (bytes: Readable | Buffer): Promise<StoredObject> => {
      const chunks: Buffer[] = []
      for await (const chunk of Buffer.isBuffer(bytes) ? [bytes] : bytes)
        chunks.push(chunk as Buffer)
      const whole = Buffer.concat(chunks)
      const digest = sha256(whole)
      await step('store')
      kept.add(digest)
      await step('answer')
      return { digest, sizeBytes: whole.length }
    },
    find: async (digest: string) => (kept.has(digest) ? { digest, sizeBytes: 1 } : undefined),
    remove: async (digest: string) => {
      await step('remove')
      kept.delete(digest)
      await step('removed')
    },
  } as unknown as ObjectStore
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    kept,
    store,
    settle,
    /** Lets the step of that name go on, if one waits. */
    go: async (name: string) => {
      await settle()
      const at = steps.findIndex((each) => each.name === name)
      if (at === -1) return false
      steps.splice(at, 1)[0]?.go()
      await settle()
      return true
    },
  }
}

const BYTES = Buffer.from('wanted')
const DIGEST = sha256(BYTES)

/** Every order of the four steps in which each side keeps its own order. */
const orders = [
  ['remove', 'removed', 'store', 'answer'],
  ['remove', 'store', 'removed', 'answer'],
  ['remove', 'store', 'answer', 'removed'],
  ['store', 'remove', 'removed', 'answer'],
  ['store', 'remove', 'answer', 'removed'],
  ['store', 'answer', 'remove', 'removed'],
]

for (const order of orders)
  for (const how of ['buffer', 'stream'] as const)
    test(`a put that is answered has its bytes, however a removal falls: ${order.join(', ')} (${how})`, async () => {
      const { kept, store, go, settle } = steppedStore()
      const shared = shareObjects(store)
      kept.add(DIGEST)
      shared.forget()
      const put = shared.objects
        .put(how === 'buffer' ? BYTES : Readable.from([BYTES]))
        .then(() => 'answered' as const)
        .catch((error: { code?: string }) => error.code)
      await settle()
      // The collector decided before the put ended, and goes on now.
      const removal = shared.removeUntouched(DIGEST)
      for (const step of order) await go(step)
      while (
        (await go('remove')) ||
        (await go('removed')) ||
        (await go('store')) ||
        (await go('answer'))
      );
      await removal
      const outcome = await put
      expect(['answered', 'unavailable']).toContain(outcome)
      if (outcome === 'answered') expect(kept.has(DIGEST)).toBe(true)
      else expect(how).toBe('stream')
    })

test('what was put since the listing is not removed, and is again after the next one', async () => {
  const { kept, store, go } = steppedStore()
  const shared = shareObjects(store)
  const put = shared.objects.put(BYTES)
  await go('store')
  await go('answer')
  await put
  expect(await shared.removeUntouched(DIGEST)).toBe(false)
  expect(kept.has(DIGEST)).toBe(true)
  shared.forget()
  const removal = shared.removeUntouched(DIGEST)
  await go('remove')
  await go('removed')
  expect(await removal).toBe(true)
  expect(kept.has(DIGEST)).toBe(false)
})

test('bytes that another server condemns are put again, or refused, before anybody is told that they are there', async () => {
  for (const how of ['buffer', 'stream'] as const) {
    const { kept, store, go, settle } = steppedStore()
    let isCondemned = true
    const shared = shareObjects(store, async () => isCondemned)
    const put = shared.objects
      .put(how === 'buffer' ? BYTES : Readable.from([BYTES]))
      .then(() => 'answered' as const)
      .catch((error: { code?: string }) => error.code)
    const told: { outcome?: unknown } = {}
    void put.then((outcome) => Object.assign(told, { outcome }))
    await go('store')
    await go('answer')
    // The other server removes what it has condemned, and then says so.
    kept.delete(DIGEST)
    await settle()
    expect(told.outcome).toBeUndefined()
    isCondemned = false
    while (told.outcome === undefined) {
      await sleep(10)
      await go('store')
      await go('answer')
    }
    expect(told.outcome).toBe(how === 'buffer' ? 'answered' : 'unavailable')
    expect(kept.has(DIGEST)).toBe(how === 'buffer')
  }
})

test(
  'bytes that another server condemns for too long are refused for now',
  { timeout: 60_000 },
  async () => {
    const { store, go } = steppedStore()
    const shared = shareObjects(store, async () => true)
    const put = shared.objects.put(BYTES).catch((error: { code?: string }) => error.code)
    await go('store')
    await go('answer')
    expect(await put).toBe('unavailable')
  },
)
