import FoundationEssentials
import Testing

@testable import ControlMessages

@Suite struct ContractEncoderTests {
    private func json(_ value: some Encodable) throws -> String {
        String(decoding: try ContractEncoder.encode(value), as: UTF8.self)
    }

    @Test func fieldsStandInTheOrderOfTheCodingKeysAndNilIsNull() throws {
        struct Value: Encodable {
            var zulu: Int = 1
            var alpha: String? = nil
            var mike: Bool = true
            var bravo: [Int]? = nil
            var nested: RestartCountsMessage? = nil
            var double: Double? = nil
        }
        #expect(
            try self.json(Value()) == #"{"zulu":1,"alpha":null,"mike":true,"bravo":null,"nested":null,"double":null}"#
        )
    }

    @Test func everyIntegerTypeIsPlainAndNilOfEachIsNull() throws {
        struct Value: Encodable {
            var a: Int8? = -128
            var b: Int16? = -32768
            var c: Int32? = nil
            var d: Int64? = .min
            var e: UInt8? = 255
            var f: UInt16? = nil
            var g: UInt32? = .max
            var h: UInt64? = .max
            var i: UInt? = nil
            var j: Float? = 0.5
            var k: Int? = nil
            var l: Int16? = nil
            var m: Int8? = nil
            var n: UInt8? = nil
            var o: UInt32? = nil
            var p: UInt64? = nil
            var q: Float? = nil
            var r: Bool? = nil
        }
        let expected = """
            {"a":-128,"b":-32768,"c":null,"d":-9223372036854775808,"e":255,"f":null,"g":4294967295,\
            "h":18446744073709551615,"i":null,"j":0.5,"k":null,"l":null,"m":null,"n":null,"o":null,"p":null,\
            "q":null,"r":null}
            """
        #expect(try self.json(Value()) == expected)
    }

    @Test(arguments: [
        (0.0, "0.0"), (-0.0, "0.0"), (1.0, "1.0"), (300.333, "300.333"), (0.1, "0.1"), (0.999, "0.999"),
        (-2.5, "-2.5"), (0.00005, "0.00005"), (-0.0000125, "-0.0000125"), (1e-20, "0.00000000000000000001"),
        (1e-21, "1e-21"), (18_014_398_509_481_984.0, "18014398509481984.0"), (1e20, "100000000000000000000.0"),
        (1.25e16, "12500000000000000.0"), (1.5e300, "1.5e+300"), (52_428_800, "52428800.0"),
        (0.30000000000000004, "0.30000000000000004"), (1.7976931348623157e308, "1.7976931348623157e+308"),
    ])
    func doublesAreTheShortestThatReadBack(value: Double, text: String) throws {
        #expect(try self.json([value]) == "[\(text)]")
        #expect(Double(text) == value)
    }

    @Test func doublesOfEveryMagnitudeReadBack() throws {
        var generator = SystemRandomNumberGenerator()
        var values: [Double] = [.leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, .pi]
        for exponent in -30...30 {
            values.append(
                Double.random(in: 1..<10, using: &generator)
                    * Double(sign: .plus, exponent: exponent * 3, significand: 1)
            )
        }
        let bytes = try ContractEncoder.encode(values)
        #expect(try JSONDecoder().decode([Double].self, from: Data(bytes)) == values, "\(values)")
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func aNumberThatIsNotFiniteIsAnErrorAndLeavesTheBytesAlone(value: Double) throws {
        var bytes = Array("before".utf8)
        let usage = UsageMessage(userSeconds: 1, systemSeconds: value, maxRSSBytes: 1)
        let error = #expect(throws: EncodingError.self) { try ContractEncoder.append(["usage": usage], to: &bytes) }
        guard case .invalidValue(_, let context)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(context.codingPath.map(\.stringValue) == ["usage", "system_seconds"])
        #expect(String(decoding: bytes, as: UTF8.self) == "before")
        #expect(throws: EncodingError.self) { try ContractEncoder.encode([value]) }
        #expect(throws: EncodingError.self) { try ContractEncoder.encode(Float(value)) }
    }

    @Test func stringsAreEscapedAsJSONAsksAndNoFurther() throws {
        #expect(try self.json("a/b \"c\" \\ é 日本 🦊 \u{7f}") == "\"a/b \\\"c\\\" \\\\ é 日本 🦊 \u{7f}\"")
        #expect(try self.json("\n\r\t\u{8}\u{c}") == #""\n\r\t\b\f""#)
        #expect(try self.json("\u{0}\u{1b}[31m\u{1f}") == #""\u0000\u001b[31m\u001f""#)
        #expect(try self.json("") == #""""#)
        #expect(try self.json(["ke\"y": 1]) == #"{"ke\"y":1}"#)
    }

    @Test func everyScalarReadsBack() throws {
        let text = String(String.UnicodeScalarView((0...0x2fff).compactMap(Unicode.Scalar.init)))
        let bytes = try ContractEncoder.encode([text])
        #expect(try JSONDecoder().decode([String].self, from: Data(bytes)) == [text])
    }

    @Test func valuesOfEveryKindStandAlone() throws {
        #expect(try self.json(7) == "7")
        #expect(try self.json(true) == "true")
        #expect(try self.json(String?.none) == "null")
        #expect(try self.json([Int]()) == "[]")
        #expect(try self.json([Int?.some(1), nil]) == "[1,null]")
        #expect(try self.json([[1], [], [2, 3]]) == "[[1],[],[2,3]]")
        #expect(try self.json(Role.operate) == #""operate""#)
    }

    @Test func aValueThatWritesNothingIsAnEmptyObject() throws {
        struct Silent: Encodable {
            func encode(to encoder: any Encoder) throws {}
        }
        struct Empty: Encodable {}
        #expect(try self.json(Silent()) == "{}")
        #expect(try self.json([Silent(), Silent()]) == "[{},{}]")
        #expect(try self.json(["a": Empty()]) == #"{"a":{}}"#)
    }

    @Test func fragmentsAreJoinedWithoutBeingReadAgain() throws {
        let fragments = try ["a", "b"].map { try ContractEncoder.encode([$0: 1]) }
        var bytes: [UInt8] = []
        ContractEncoder.appendArray(of: fragments, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #"[{"a":1},{"b":1}]"#)
        bytes = []
        ContractEncoder.appendArray(of: [], to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "[]")
    }

    /// Containers by hand, as an author of `encode(to:)` may use them.
    private struct Manual: Encodable {
        enum Key: String, CodingKey { case first, second, third, fourth }

        func encode(to encoder: any Encoder) throws {
            var object = encoder.container(keyedBy: Key.self)
            var inner = object.nestedContainer(keyedBy: Key.self, forKey: .first)
            try inner.encode(1, forKey: .first)
            var list = object.nestedUnkeyedContainer(forKey: .second)
            try list.encode("x")
            try list.encodeNil()
            var deeper = list.nestedContainer(keyedBy: Key.self)
            try deeper.encode(2.0, forKey: .third)
            _ = list.nestedUnkeyedContainer()
            #expect(list.count == 4)
            _ = object.superEncoder(forKey: .third)
            try "parent".encode(to: object.superEncoder())
            // The same object again, as a subclass would ask for it.
            var again = encoder.container(keyedBy: Key.self)
            try again.encode(true, forKey: .fourth)
        }
    }

    @Test func nestedContainersCloseByThemselves() throws {
        let expected =
            #"{"first":{"first":1},"second":["x",null,{"third":2.0},[]],"third":{},"super":"parent","fourth":true}"#
        #expect(try self.json(Manual()) == expected)
        #expect(try self.json([Manual(), Manual()]) == "[\(expected),\(expected)]")
    }

    @Test func goingBackToAContainerThatIsClosedIsAnError() throws {
        struct Weaver: Encodable {
            enum Key: String, CodingKey { case a, b }

            func encode(to encoder: any Encoder) throws {
                var object = encoder.container(keyedBy: Key.self)
                var inner = object.nestedContainer(keyedBy: Key.self, forKey: .a)
                try object.encode(1, forKey: .b)
                try inner.encode(2, forKey: .a)
            }
        }
        #expect(throws: EncodingError.self) { try ContractEncoder.encode(Weaver()) }
    }
}
