import { parseExactJson, type ExactJson } from '#base/exact-json'
import { textOf } from '#base/json'
import { messageOf, Problem } from '#base/problem'

/** What a handler would be given for one request: a text where the body is no JSON. */
export type Item = ExactJson

/** Reads a body of any kind: JSON, a form with the data in it, or text. Throws `invalid`. */
export async function itemIn(contentType: string | undefined, bytes: Buffer): Promise<Item> {
  if (bytes.length === 0)
    throw new Problem('invalid', 'the request has no body; send JSON, text, or a form with data=…')
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type === 'multipart/form-data') return formItem(await formIn(contentType ?? '', bytes))
  if (type === 'application/json') return jsonIn(bytes)
  const content = contentIn(bytes)
  // What curl -d says of everything; JSON and plain text are sent so more often than forms.
  if (type !== 'application/x-www-form-urlencoded' || typeof content !== 'string') return content
  return content.includes('=')
    ? formItem([...new URLSearchParams(content)].map(([name, text]) => [name, read(text)]))
    : content
}

/** What the query of an address says, for requests without a body. */
export function itemOfQuery(url: string): Item {
  const query = url.split('?').slice(1).join('?')
  return formItem([...new URLSearchParams(query)].map(([name, text]) => [name, read(text)]))
}

type Fields = readonly (readonly [name: string, value: Item])[]

/** Names under which TorchServe's handlers look for what was sent. */
const DATA = new Set(['data', 'body'])

function formItem(fields: Fields): Item {
  const [first, ...more] = fields
  if (first === undefined)
    throw new Problem('invalid', 'there are no fields; send the input as data=…')
  const names = fields.map(([name]) => name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) throw new Problem('invalid', `the form has the field ${twice} twice`)
  return more.length === 0 && DATA.has(first[0]) ? first[1] : Object.fromEntries(fields)
}

async function formIn(contentType: string, bytes: Buffer): Promise<Fields> {
  const form = await new Response(new Uint8Array(bytes), {
    headers: { 'content-type': contentType },
  })
    .formData()
    .catch((error: unknown) => {
      throw new Problem('invalid', `the form cannot be read: ${messageOf(error)}`)
    })
  return Promise.all(
    [...form].map(async ([name, value]) =>
      typeof value === 'string'
        ? ([name, read(value)] as const)
        : ([name, contentIn(Buffer.from(await value.arrayBuffer()))] as const),
    ),
  )
}

function jsonIn(bytes: Buffer): Item {
  try {
    return parseExactJson(textOf(bytes))
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('invalid', `the body is not valid JSON: ${messageOf(error)}`)
  }
}

function contentIn(bytes: Buffer): Item {
  try {
    return read(textOf(bytes))
  } catch (error) {
    if (error instanceof Problem)
      throw new Problem(
        'invalid',
        `the ${bytes.length} bytes that were sent are no text, so they cannot become the model's inputs; no handler decodes pictures or sound here: send numbers or texts as JSON`,
      )
    throw error
  }
}

/** JSON if it is some, else the text as it is. */
function read(text: string): Item {
  try {
    return parseExactJson(text)
  } catch (error) {
    if (error instanceof Problem) throw error
    return text.replace(/\r?\n$/, '')
  }
}
