import ControlAPI
import FoundationEssentials
import Testing

@Suite struct EmbeddedDocumentTests {
    @Test func theEmbeddedDocumentIsInStepWithItsSource() throws {
        let source = try Self.source()
        var checksum: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in source {
            checksum = (checksum ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        #expect(checksum == OpenAPIDocument.checksumOfSource, "run scripts/embed-openapi")
    }

    @Test func theEmbeddedDocumentIsCompactJSON() throws {
        let document = try ContractDocument()
        #expect(Array(document.root.compact.utf8) == OpenAPIDocument.json)
        #expect(document.root["openapi"]?.text == "3.1.0")
    }

    @Test func everyReferenceLeadsSomewhere() throws {
        let document = try ContractDocument()
        func visit(_ value: OrderedJSON) throws {
            _ = try document.resolve(value)
            for member in value.members {
                try visit(member.value)
            }
            for element in value.elements {
                try visit(element)
            }
        }
        try visit(document.root)
    }

    private static func source() throws -> [UInt8] {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return Array(try Data(contentsOf: URL(filePath: root + "/openapi/reeve.yaml")))
    }
}
