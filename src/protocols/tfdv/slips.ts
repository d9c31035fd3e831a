import { isSlip } from '#contracts'
import type { Message, TextProblem } from './text-format.ts'

/** The fields of the messages that become rules. Newer schemas may have more, which are kept as they are. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  schema: wordsOf(`feature sparse_feature weighted_feature string_domain float_domain int_domain
    default_environment annotation dataset_constraints tensor_representation_group
    represent_variable_length_as_ragged`),
  feature:
    wordsOf(`name deprecated presence group_presence shape value_count value_counts type domain
    int_domain float_domain string_domain bool_domain struct_domain natural_language_domain
    image_domain mid_domain url_domain time_domain time_of_day_domain distribution_constraints
    annotation skew_comparator drift_comparator in_environment not_in_environment lifecycle_stage
    unique_constraints validation_derived_source`),
  presence: ['min_fraction', 'min_count'],
  value_count: ['min', 'max'],
  int_domain: ['name', 'min', 'max', 'is_categorical'],
  float_domain: ['name', 'min', 'max', 'disallow_nan', 'disallow_inf', 'is_embedding'],
  string_domain: ['name', 'value'],
  unique_constraints: ['min', 'max'],
  distribution_constraints: ['min_domain_mass'],
}

/** Fields that are a rule's but for a slip of the pen: kept as they are, the rule would be silent. */
export function slipsOf(fields: Message, of = 'schema'): TextProblem[] {
  const known = FIELDS[of] ?? []
  return fields.flatMap(({ name, line, value }) => {
    const meant = known.includes(name) ? undefined : known.find((key) => isSlip(name, key))
    return [
      ...(meant === undefined
        ? []
        : [{ line, message: `${name} is no field of ${of}; write ${meant}` }]),
      ...(value.kind === 'message' && Object.hasOwn(FIELDS, name)
        ? slipsOf(value.fields, name)
        : []),
    ]
  })
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/)
}
