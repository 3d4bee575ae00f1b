/** Lines of a section and the text that they stand for. Apptainer refuses a file with one of the lines. */
export const markedLines: Readonly<Record<string, string>> = {
  "%\\%description": "%description",
  "%\\%post": "%post",
  "  %\\%post x": "  %post x",
  "\t%\\%%": "\t%%",
  "%\\bootstrap: x": "bootstrap: x",
  "%\\": "",
  "%\\ x": " x",
  "%\\%\\x": "%\\x",
  "%\\# x": "# x",
  "\u00a0%\\x": "\u00a0x",
};

/** Texts with an argument `O` whose value is `{{`, and what they say; to Apptainer too. */
export const literals: Readonly<Record<string, string>> = {
  "{{ O }} name }}": "{{ name }}",
  "a {{O}}name}} {{ O }} O }} b": "a {{name}} {{ O }} b",
  "{{ O }}{{ O }} x }}": "{{{{ x }}",
  "# {{ O }} name }}": "# {{ O }} name }}",
};
