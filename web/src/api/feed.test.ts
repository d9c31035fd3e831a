import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { followLedger, type FeedState } from './feed.ts'

const undo: (() => void)[] = []
afterEach(() => {
  for (const step of undo.splice(0)) step()
})

/** A ledger of numbered entries, whose lines the test can cut. */
async function ledgerServer() {
  const asked: string[] = []
  const open = new Set<ServerResponse>()
  let size = 0
  const send = (response: ServerResponse, position: number) =>
    response.write(`id: ${position}\nevent: x\ndata: {"position":${position}}\n\n`)
  const server = createServer((request, response) => {
    const after = String(request.headers['last-event-id'])
    asked.push(after)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': hello\n\n')
    open.add(response)
    for (let position = Number(after) + 1; position < size; position++) send(response, position)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  undo.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked,
    append: () => {
      size += 1
      for (const response of open) send(response, size - 1)
    },
    cut: () => {
      for (const response of open) response.destroy()
      open.clear()
    },
  }
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached())
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
}

test('a cut line is taken up where it broke: no entry is missed and none comes twice', async () => {
  const server = await ledgerServer()
  const positions: number[] = []
  const states: FeedState['state'][] = []
  for (let index = 0; index < 3; index++) server.append()
  undo.push(
    followLedger({
      url: server.url,
      after: 0,
      retryMs: 10,
      onEntries: (entries) => positions.push(...entries.map(({ position }) => position)),
      onState: ({ state }) => states.push(state),
    }),
  )
  await until(() => positions.length === 2)
  server.cut()
  server.append()
  server.append()
  await until(() => positions.length === 4)
  expect(positions).toEqual([1, 2, 3, 4])
  expect(server.asked).toEqual(['0', '2'])
  expect(states.slice(0, 3)).toEqual(['connecting', 'live', 'reconnecting'])
  expect(states.at(-1)).toBe('live')
})

test('a feed that was stopped asks no more', async () => {
  const server = await ledgerServer()
  const states: string[] = []
  const stop = followLedger({
    url: server.url,
    after: -1,
    retryMs: 5,
    onEntries: () => {},
    onState: ({ state }) => states.push(state),
  })
  await until(() => states.includes('live'))
  stop()
  server.cut()
  await new Promise((resolve) => {
    setTimeout(resolve, 60)
  })
  expect(server.asked).toHaveLength(1)
})
