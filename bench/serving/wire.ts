/** What is asked, in the words of each protocol: rows of twenty numbers, which differ from request to request. */

const WIDTH = 20
const COLUMNS = Array.from({ length: WIDTH }, (_, column) => `x${column}`)

/** Different bodies, asked by turns. */
const BODIES = 16

export type Form = 'open-inference' | 'binary' | 'mlflow' | 'data' | 'grpc'

export function bodiesOf(form: Form, rows: number, model: string): Buffer[] {
  return Array.from({ length: BODIES }, (_, seed) => bodyOf(form, rowsOf(rows, seed), model))
}

function rowsOf(count: number, seed: number): number[][] {
  return Array.from({ length: count }, (_, row) =>
    COLUMNS.map((__, column) => (((seed + row) * 7 + column * 3) % 97) / 25 - 1.9),
  )
}

function bodyOf(form: Form, data: readonly number[][], model: string): Buffer {
  if (form === 'grpc') return grpcFrame(inferMessage(model, data))
  if (form === 'mlflow') return json({ dataframe_split: { columns: COLUMNS, data } })
  if (form === 'data') return json({ data })
  if (form === 'binary') return Buffer.concat([binaryHead(data.length), floats(data)])
  const shape = [data.length, WIDTH]
  return json({ inputs: [{ name: 'X', shape, datatype: 'FP32', data: data.flat() }] })
}

/** What is said of a body beside its length. */
export function headersOf(form: Form, rows: number): readonly string[] {
  if (form !== 'binary') return ['content-type: application/json']
  const length = binaryHead(rows).length
  return ['content-type: application/octet-stream', `inference-header-content-length: ${length}`]
}

/** The JSON before a tensor's bytes, as the binary extension of the Open Inference Protocol has it. */
function binaryHead(rows: number): Buffer {
  const parameters = { binary_data_size: rows * WIDTH * Float32Array.BYTES_PER_ELEMENT }
  const input = { name: 'X', shape: [rows, WIDTH], datatype: 'FP32', parameters }
  return json({ inputs: [input], parameters: { binary_data_output: true } })
}

function floats(data: readonly number[][]): Buffer {
  return Buffer.from(new Float32Array(data.flat()).buffer)
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value))
}

/** `ModelInferRequest` with the tensor's bytes in `raw_input_contents`. */
function inferMessage(model: string, data: readonly number[][]): Buffer {
  const shape = Buffer.concat([varint(data.length), varint(WIDTH)])
  const input = Buffer.concat([
    field(1, Buffer.from('X')),
    field(2, Buffer.from('FP32')),
    field(3, shape),
  ])
  return Buffer.concat([field(1, Buffer.from(model)), field(5, input), field(7, floats(data))])
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

function grpcFrame(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
