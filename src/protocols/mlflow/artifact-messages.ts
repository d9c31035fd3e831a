import { Type, type TSchema } from 'typebox'
import { Int, Text } from './messages.ts'

const opt = <T extends TSchema>(schema: T) => Type.Optional(schema)

export const VersionFile = Type.Object({ name: Text, version: Text, path: Text })
export const ModelFile = Type.Object({ artifact_file_path: Text })
export const UploadToRun = Type.Object({ run_uuid: Text, path: Text })
export const Presign = Type.Object({
  run_id: opt(Type.String()),
  model_id: opt(Type.String()),
  path: Text,
  expiration: opt(Int),
})
export const BeginParts = Type.Object({ path: Text, num_parts: opt(Int) })
export const EndParts = Type.Object({
  path: Text,
  upload_id: Text,
  parts: opt(
    Type.Array(
      Type.Object({ part_number: Int, etag: opt(Type.String()), url: opt(Type.String()) }),
    ),
  ),
})
