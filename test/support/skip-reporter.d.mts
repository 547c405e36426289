/** Of what Jest gives its reporters, the part that is read. */
export interface SuiteResult {
  readonly testFilePath: string;
  readonly testResults: readonly { readonly status: string; readonly fullName: string }[];
}

export function linesOfSkipped(rootFolder: string, suites: readonly SuiteResult[]): readonly string[];
