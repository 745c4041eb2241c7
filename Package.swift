// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of the package is compiled with.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "reeve",
    products: [
        .executable(name: "reeve", targets: ["reeve"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // System libraries, and the C and C++ that Swift cannot import or must not run between clone and exec.
        .systemLibrary(
            name: "CMicroHTTPD",
            path: "Modules/CMicroHTTPD",
            pkgConfig: "libmicrohttpd",
            providers: [.apt(["libmicrohttpd-dev"])]
        ),
        .systemLibrary(
            name: "CCurl",
            path: "Modules/CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-gnutls-dev"])]
        ),
        .systemLibrary(
            name: "CSQLite",
            path: "Modules/CSQLite",
            pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"])]
        ),
        .target(name: "CLinux", path: "Modules/CLinux"),
        .target(
            name: "CTOML",
            path: "Modules/CTOML",
            cxxSettings: [.define("TOML_EXCEPTIONS", to: "0")]
        ),

        // The heart: decides, imports nothing.
        .target(name: "Supervision", swiftSettings: swiftSettings),

        // The shells around it.
        .target(name: "LinuxSystem", dependencies: ["CLinux"], swiftSettings: swiftSettings),
        .target(name: "Keeper", dependencies: ["LinuxSystem", "CLinux"], swiftSettings: swiftSettings),
        .target(
            name: "History",
            dependencies: ["Supervision", "LinuxSystem", "CSQLite"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Output",
            dependencies: ["Supervision", "LinuxSystem"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Configuration",
            dependencies: ["Supervision", "ControlMessages", "CTOML"],
            swiftSettings: swiftSettings
        ),
        .target(name: "HTTPServer", dependencies: ["LinuxSystem", "CMicroHTTPD"], swiftSettings: swiftSettings),
        .target(name: "ControlMessages", swiftSettings: swiftSettings),
        .target(
            name: "ControlAPI",
            dependencies: ["Supervision", "LinuxSystem", "History", "Output", "HTTPServer", "ControlMessages"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "ControlClient",
            dependencies: ["ControlMessages", "CCurl"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Agent",
            dependencies: [
                "Supervision", "LinuxSystem", "CLinux", "Configuration", "History", "HTTPServer", "ControlAPI",
                "Output", "Keeper",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "reeve",
            dependencies: [
                "Agent", "Configuration", "ControlClient", "ControlMessages", "Keeper", "LinuxSystem", "Supervision",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings
        ),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: ["ControlMessages", "LinuxSystem", "Supervision"],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
        .testTarget(name: "SupervisionTests", dependencies: ["Supervision"], swiftSettings: swiftSettings),
        .testTarget(
            name: "LinuxSystemTests",
            dependencies: ["LinuxSystem", "CLinux", "TestSupport"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "KeeperTestProgram",
            dependencies: ["Keeper", "LinuxSystem"],
            path: "Tests/KeeperTestProgram",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "KeeperTests",
            dependencies: ["Keeper", "KeeperTestProgram", "LinuxSystem", "CLinux", "Supervision", "TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "HistoryTests",
            dependencies: ["History", "LinuxSystem", "Supervision", "TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "OutputTests",
            dependencies: ["Output", "LinuxSystem", "Supervision", "TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ConfigurationTests",
            dependencies: ["Configuration", "ControlMessages", "Supervision"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: ["HTTPServer", "LinuxSystem", "CLinux"],
            swiftSettings: swiftSettings
        ),
        .testTarget(name: "ControlMessagesTests", dependencies: ["ControlMessages"], swiftSettings: swiftSettings),
        .testTarget(
            name: "ControlAPITests",
            dependencies: [
                "ControlAPI", "ControlMessages", "History", "HTTPServer", "LinuxSystem", "Output", "Supervision",
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "OpenAPIContractTests",
            dependencies: ["ControlAPI", "ControlMessages", "History", "Supervision"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "Simulation",
            dependencies: ["Agent", "History", "Keeper", "LinuxSystem", "Supervision", "TestSupport"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ControlClientTests",
            dependencies: ["ControlClient", "ControlMessages"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ReeveTests",
            dependencies: [
                "reeve", "Configuration", "ControlClient", "ControlMessages",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "AgentTests",
            dependencies: [
                "TestSupport", "ControlMessages", "LinuxSystem", "Supervision", "reeve", "KeeperTestProgram",
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "PackagingTests",
            dependencies: ["TestSupport", "ControlMessages", "LinuxSystem", "Supervision", "reeve"],
            swiftSettings: swiftSettings
        ),
    ],
    cLanguageStandard: .gnu11,
    cxxLanguageStandard: .cxx17
)
