import { fieldsOf, heldBytes, packedNumbers, type Bytes, type Span } from './wire.ts'

/** An attribute of a node: whichever of these it has. */
export interface Attribute {
  readonly int: number
  readonly text: string
  readonly ints: readonly number[]
  readonly floats: readonly number[]
  readonly texts: readonly string[]
}

/** A larger node than this is not read whole. */
const NODE_BYTES_MAX = 256 * 1024 ** 2

/** The attributes of a node by name; undefined when they take too much memory to hold. */
export function attributesOf(bytes: Bytes, node: Span): Map<string, Attribute> | undefined {
  if (node.end - node.start > NODE_BYTES_MAX) return undefined
  const held = bytes.copy(node, NODE_BYTES_MAX)
  const inside = heldBytes(held)
  const attributes = new Map<string, Attribute>()
  const fields = fieldsOf(inside, { start: 0, end: held.length })
  while (fields.next())
    if (fields.number === 5) {
      const [name, attribute] = attributeOf(held, inside, fields)
      attributes.set(name, attribute)
    }
  return attributes
}

function attributeOf(held: Buffer, inside: Bytes, span: Span): [name: string, Attribute] {
  const text = ({ start, end }: Span) => held.toString('utf8', start, end)
  let name = ''
  const found = { int: 0, text: '' }
  const ints: number[] = []
  const floats: number[] = []
  const texts: string[] = []
  const fields = fieldsOf(inside, span)
  while (fields.next()) {
    const { number, value } = fields
    if (number === 1) name = text(fields)
    else if (number === 3) found.int = value
    else if (number === 4) found.text = text(fields)
    else if (number === 7)
      for (let at = fields.start; at + 4 <= fields.end; at += 4) floats.push(held.readFloatLE(at))
    else if (number === 8 && !Number.isNaN(value)) ints.push(value)
    else if (number === 8)
      for (const each of packedNumbers(inside, fields, fields.end - fields.start)) ints.push(each)
    else if (number === 9) texts.push(text(fields))
  }
  return [name, { ...found, ints, floats, texts }]
}

/** The numbers of a small float32 constant, in whichever way they are written; undefined for all others. */
export function floatsOf(bytes: Bytes, tensor: Span): number[] | undefined {
  if (tensor.end - tensor.start > 1024 ** 2) return undefined
  const held = bytes.copy(tensor, 1024 ** 2)
  const inside = heldBytes(held)
  const floats: number[] = []
  let type = 0
  const fields = fieldsOf(inside, { start: 0, end: held.length })
  while (fields.next())
    if (fields.number === 2) type = fields.value
    else if (fields.number === 4 || fields.number === 9)
      for (let at = fields.start; at + 4 <= fields.end; at += 4) floats.push(held.readFloatLE(at))
  return type === 1 ? floats : undefined
}
