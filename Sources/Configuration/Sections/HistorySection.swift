/// What `[history]` says.
struct HistorySection {
    private static let recordsRange = 1...10_000_000
    /// A database has pages that it needs for itself, and keeps a MiB of free ones.
    private static let sizeRange: ClosedRange<Int64> = 4 << 20...1 << 40

    private var age: Duration?
    private var records: Int?
    private var recordsPerWorker: Int?
    private var size: Int64?

    init() {}

    init(_ entries: [TOMLEntry], _ reader: ValueReader) {
        for entry in entries {
            switch entry.key {
            case "keep":
                self.age = reader.duration(entry, atLeast: .seconds(60), example: "keep = \"90d\"")
            case "keep_records":
                self.records = reader.integer(entry, Self.recordsRange, example: "keep_records = 100000")
            case "keep_per_worker":
                self.recordsPerWorker = reader.integer(entry, Self.recordsRange, example: "keep_per_worker = 10000")
            case "max_size":
                self.size = reader.size(entry, Self.sizeRange, example: "max_size = \"256M\"")
            default:
                reader.refuse(entry, of: .history)
            }
        }
    }

    /// The settings, with the defaults.
    var settings: HistorySettings {
        var settings = HistorySettings()
        settings.age = self.age ?? settings.age
        settings.records = self.records ?? settings.records
        settings.recordsPerWorker = self.recordsPerWorker ?? settings.recordsPerWorker
        settings.size = self.size ?? settings.size
        return settings
    }
}
