/** One server-sent event. */
export interface StreamEvent {
  readonly id: string | null
  readonly type: string
  readonly data: string
}

/** Splits what has arrived of a `text/event-stream` into whole events and the rest that is still coming. */
export function eventsIn(buffer: string): { events: StreamEvent[]; rest: string } {
  const blocks = buffer.split(/\r?\n\r?\n/)
  const rest = blocks.pop() ?? ''
  return { events: blocks.map(eventOf).filter((event) => event !== null), rest }
}

function eventOf(block: string): StreamEvent | null {
  let id: string | null = null
  let type = 'message'
  const data: string[] = []
  for (const line of block.split(/\r?\n/)) {
    // A line that starts with a colon is a comment: it only keeps the connection warm.
    const [, field, value = ''] = /^([^:]+)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'id') id = value
    if (field === 'event') type = value
    if (field === 'data') data.push(value)
  }
  return data.length === 0 ? null : { id, type, data: data.join('\n') }
}
