import { expect, test } from 'vitest'
import { eventsIn } from './event-stream.ts'

test('whole events are given, the unfinished rest is kept', () => {
  const { events, rest } = eventsIn(
    ': hello\n\nid: 1\nevent: project-added\ndata: {"a":1}\n\nid: 2\nev',
  )
  expect(events).toEqual([{ id: '1', type: 'project-added', data: '{"a":1}' }])
  expect(rest).toBe('id: 2\nev')
})

test('an event cut anywhere is the same event once both halves are there', () => {
  const text = 'id: 7\r\nevent: x\r\ndata: a: b\r\ndata: c\r\n\r\n'
  for (let cut = 0; cut < text.length; cut++) {
    const first = eventsIn(text.slice(0, cut))
    const second = eventsIn(first.rest + text.slice(cut))
    expect([...first.events, ...second.events]).toEqual([{ id: '7', type: 'x', data: 'a: b\nc' }])
  }
})
